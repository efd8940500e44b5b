import { expect, it } from 'vitest';
import { type Io, runCli } from './index.js';

const run = async (...argv: string[]) => {
  const kept = { out: '', err: '' };
  const io: Io = {
    out: { write: (text) => void Object.assign(kept, { out: kept.out + text }) },
    err: { write: (text) => void Object.assign(kept, { err: kept.err + text }) },
    env: {},
    clock: { now: () => 0 },
    chance: () => 0,
    signal: new AbortController().signal,
    read: async () => '',
  };
  return { code: await runCli(argv, io, '1.2.3'), ...kept };
};

it('tells its version, and how each command is used, with examples', async () => {
  expect(await run('--version')).toEqual({ code: 0, out: '1.2.3\n', err: '' });
  expect(await run('--help')).toMatchObject({
    code: 0,
    out: expect.stringContaining('berth apply -f app.yaml --wait'),
  });
  expect(await run('apply', '--help')).toMatchObject({ code: 0, out: expect.stringContaining('--validate-only') });
});

it('completes every command, by its aliases too', async () => {
  const { out } = await run('completion', 'bash');
  expect(out).toMatch(/^ {4}""\) words="apply plan get watch explain logs exec port-forward delete /m);
  expect(out).toMatch(/^ {4}"clusters register"\) words="--region --zone /m);
  expect(await run('completion', 'fish')).toMatchObject({ code: 2, out: '' });
});

it('suggests the command that was meant', async () => {
  expect(await run('aply')).toMatchObject({ code: 2, err: expect.stringContaining('Did you mean apply?') });
});
