import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CompiledProgram, compileProgram } from './testing/compile.js';

const program = `
import { runMain } from './libs/platform/run-main.js';
import { StartupError } from './libs/platform/errors/startup.js';
const kind = process.argv[2];
setInterval(() => {}, 1000);
await runMain(async () => {
  if (kind === 'busy') throw new StartupError('gateway: port 127.0.0.1:7070 is in use');
  if (kind === 'crash') throw new Error('a fault of ours');
  if (kind === 'later') setTimeout(() => Promise.reject(new Error('nobody handles this')), 10);
  return { close: async () => { console.log('closed'); } };
});
console.log('started');
`;

let compiled: CompiledProgram;
beforeAll(async () => {
  compiled = await compileProgram('run-main.ts', program);
});
afterAll(() => compiled.remove());

const run = async (kind: string, signal?: NodeJS.Signals) => {
  const child = spawn(process.execPath, [compiled.path, kind], { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk) => {
    out += chunk;
    if (signal !== undefined && out === 'started\n') child.kill(signal);
  });
  child.stderr.on('data', (chunk) => {
    err += chunk;
  });
  const [code] = await once(child, 'close');
  return { code, out, err };
};

describe('a program', () => {
  it('that cannot start says why in one line, without a stack, and ends with 1', async () => {
    expect(await run('busy')).toEqual({ code: 1, out: '', err: 'gateway: port 127.0.0.1:7070 is in use\n' });
  });

  it('that fails for a reason of its own shows the stack and ends with 1', async () => {
    const { code, err } = await run('crash');
    expect([code, err]).toEqual([1, expect.stringMatching(/^Error: a fault of ours\n {4}at /)]);
  });

  it('ends with 1 when a rejection is handled by nobody', async () => {
    const { code, err } = await run('later');
    expect([code, err]).toEqual([1, expect.stringContaining('nobody handles this')]);
  });

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('closes in good order on %s', async (signal) => {
    expect(await run('runs', signal)).toEqual({ code: 0, out: 'started\nclosed\n', err: '' });
  });
});
