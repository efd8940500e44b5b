import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
/** Stands in for npm: goes on for a while after it was asked to end, and says when it has. */
const slowNpm = `#!${process.execPath}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.on(signal, () => setTimeout(() => { console.log('npm has ended'); process.exit(1); }, 300));
setInterval(() => {}, 1000);
console.log('npm runs');
`;

let folder: string;
let lock: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'berth-prepare-'));
  lock = join(folder, '.berth', 'prepare.lock');
  for (const name of ['scripts', 'package.json', 'package-lock.json'])
    cpSync(join(root, name), join(folder, name), { recursive: true });
  for (const name of ['bin', 'node_modules']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'bin', 'npm'), slowNpm, { mode: 0o755 });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const started = (): ChildProcess =>
  spawn(process.execPath, [join(folder, 'scripts/hollow.mjs'), 'one'], {
    env: { ...process.env, PATH: `${join(folder, 'bin')}${delimiter}${process.env.PATH}` },
    stdio: ['ignore', 'pipe', 'ignore'],
  });

describe('the preparation before a script', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('hands %s on, ends with %d after npm has, and frees the lock', async (signal, expected) => {
    const script = started();
    let out = '';
    script.stdout?.on('data', (chunk) => {
      out += chunk;
      if (out === 'npm runs\n') script.kill(signal);
    });
    const [code] = await once(script, 'close');
    expect([code, out, existsSync(lock)]).toEqual([expected, 'npm runs\nnpm has ended\n', false]);
  });
});
