import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../kubernetes/until.js';

const root = join(import.meta.dirname, '../..');
/** Stands in for the demo: says that it runs, and when a signal has ended it; `once` ends by itself. */
const demo = `
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.on(signal, () => setTimeout(() => { console.log('ended by ' + signal); process.exit(0); }, 100));
console.log('runs');
if (!process.argv.includes('once')) setInterval(() => {}, 1000);
`;

let folder: string;
let running: ChildProcess | undefined;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'berth-dev-'));
  cpSync(join(root, 'scripts'), join(folder, 'scripts'), { recursive: true });
  writeFileSync(join(folder, 'scripts/demo.mjs'), demo);
  for (const name of ['apps', 'libs', 'migrations', 'examples']) mkdirSync(join(folder, name));
});
afterEach(() => running?.kill('SIGKILL'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function dev(...argv: string[]) {
  const child = spawn(process.execPath, [join(folder, 'scripts/dev.mjs'), ...argv], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  running = child;
  const seen = { out: '' };
  child.stdout.on('data', (chunk) => {
    seen.out += chunk;
  });
  return { child, seen, closed: once(child, 'close') };
}

describe('npm run dev', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('hands %s on and ends after the demo has', async (signal) => {
    const { child, seen, closed } = dev();
    await until('the demo runs', () => seen.out === 'runs\n');
    child.kill(signal);
    expect([await closed, seen.out]).toEqual([[0, null], `runs\nended by ${signal}\n`]);
  });

  it('starts the demo anew when a source file changes', async () => {
    const { child, seen, closed } = dev();
    await until('the demo runs', () => seen.out === 'runs\n');
    writeFileSync(join(folder, 'libs/some.ts'), '// changed');
    await until('it ends', () => seen.out.includes('ended by SIGTERM'));
    writeFileSync(join(folder, 'libs/some.ts'), '// changed again');
    await until('it runs again', () => seen.out.endsWith('\nruns\n'));
    child.kill('SIGINT');
    await closed;
    expect(seen.out).toMatch(/^(runs\nended by SIGTERM\n){1,2}runs\nended by SIGINT\n$/);
  });

  it('ends at once when the demo has ended by itself', async () => {
    const { child, seen, closed } = dev('once');
    await until('the demo has run', () => seen.out === 'runs\n');
    child.kill('SIGINT');
    expect(await closed).toEqual([0, null]);
  });
});
