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

it.each([
  ['1:99999', 'the pod\'s port of "1:99999" is 99999; allowed is 1 to 65535'],
  ['99999:1', 'the local port of "99999:1" is 99999; allowed is 0 (any that is free) to 65535'],
  ['1:0', 'the pod\'s port of "1:0" is 0; allowed is 1 to 65535'],
  ['web', 'the ports are "web"; allowed is REMOTE, LOCAL:REMOTE or :REMOTE'],
])('says which port of %s is out of range, and what is allowed', async (ports, message) => {
  const key = ['--api-key', 'k', '--tenant', 't', '--project', 'p'];
  expect(await run(...key, 'port-forward', 'shop/web', ports)).toMatchObject({
    code: 2,
    err: expect.stringContaining(message),
  });
});

it('suggests the command that was meant', async () => {
  expect(await run('aply')).toMatchObject({ code: 2, err: expect.stringContaining('Did you mean apply?') });
});
