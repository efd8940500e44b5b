import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Input } from '../../apps/cli/terminal.js';
import { type CliRun, cliOn, startCli } from '../cli/runner.js';
import { until } from '../kubernetes/until.js';
import { type PodWorld, startPodWorld } from './world.js';

let world: PodWorld;
let berth: (...words: string[]) => Promise<CliRun>;
let at: { server: string; key: string };
beforeAll(async () => {
  world = await startPodWorld();
  at = { server: world.station.gatewayAddress, key: world.station.ownerKey };
  const cli = cliOn(at.server, at.key);
  berth = (...words) => cli(words);
});
afterAll(() => world.close());

const inputOf = (pieces: readonly string[], terminal?: { columns: number; rows: number }) => {
  const raw: boolean[] = [];
  const input: Input = {
    isTTY: terminal !== undefined,
    bytes: (async function* () {
      for (const piece of pieces) yield Buffer.from(piece);
    })(),
    setRaw: (on) => raw.push(on),
    size: () => terminal ?? { columns: 80, rows: 24 },
    onResize: () => () => undefined,
    close: () => undefined,
  };
  return { input, raw };
};

describe('berth logs', () => {
  it('shows many pods over two clusters, each line with its pod', async () => {
    const { code, out, err } = await berth('logs', 'shop', '--tail', '2');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const lines = out.trimEnd().split('\n');
    expect(lines).toHaveLength(16);
    for (const line of lines)
      expect(line).toMatch(
        /^(one|two)\/(web|pair)-[\w-]+(\/(one|two))? line \d+ of \w+ in (web|pair)-\S+ on (one|two)$/,
      );
  });

  it('follows until Ctrl-C, and is no failure then', async () => {
    const stop = new AbortController();
    const run = startCli(['logs', '-f', 'shop/web', '--cluster', 'two', '--no-prefix', '--tail', '0'], {
      ...at,
      signal: stop.signal,
    });
    await until('a few lines', () => run.kept.out.split('\n').length > 6);
    stop.abort();
    expect(await run.done).toMatchObject({ code: 130, err: '' });
    expect(run.kept.out).toMatch(/^line \d+ of web in web-/);
  });

  it('says what could not be read, reads the rest, and ends with 1', async () => {
    const { code, out, err } = await berth('logs', 'shop', '--container', 'web', '--tail', '1');
    expect(code).toBe(1);
    expect(out.trimEnd().split('\n')).toHaveLength(4);
    expect(err).toMatch(/one\/pair-\S+: NOT_FOUND: container "web" was not found in pod pair-\S+; there is one, two/);
    expect(await berth('logs', 'shop', '--since', 'soon')).toMatchObject({ code: 2 });
  });
});

describe('berth exec', () => {
  it('prints what the command prints, and ends with its exit code', async () => {
    const ran = await berth('exec', 'shop/web', '--', 'sh', '-c', 'echo $GREETING; echo no >&2; exit 42');
    expect(ran).toEqual({ code: 42, out: 'ahoy\n', err: 'no\n' });
  });

  it('passes standard input on to its end', async () => {
    const { input } = inputOf(['hello ', 'there\n']);
    const run = startCli(['exec', '-i', 'shop/web', '--', 'cat'], { ...at, input });
    expect(await run.done).toMatchObject({ code: 0, out: 'hello there\n' });
  });

  it('gives a terminal, in raw mode for as long as the command runs', async () => {
    const { input, raw } = inputOf(['stty size\r', 'exit 5\r'], { columns: 101, rows: 33 });
    const run = startCli(['exec', '-it', 'shop/web', '--cluster', 'two', '--', 'sh'], { ...at, input });
    expect(await run.done).toMatchObject({ code: 5, out: expect.stringContaining('33 101\r\n') });
    expect(raw).toEqual([true, false]);
  });

  it('names what there is to choose from', async () => {
    expect(await berth('exec', 'shop', '--', 'true')).toMatchObject({
      code: 1,
      err: expect.stringContaining('pair, web'),
    });
    expect(await berth('exec', 'shop/pair', '--', 'true')).toMatchObject({
      code: 1,
      err: expect.stringContaining('one, two'),
    });
  });
});

describe('berth port-forward', () => {
  it('passes connections on, each with its own, until Ctrl-C', async () => {
    const stop = new AbortController();
    const run = startCli(['port-forward', 'shop/web', ':8080', ':81'], { ...at, signal: stop.signal });
    await until('both ports', () => run.kept.out.includes('port 81'));
    const [open = 0, closed = 0] = [...run.kept.out.matchAll(/127\.0\.0\.1:(\d+)/g)].map(([, port]) => Number(port));
    const pages = await Promise.all(
      [1, 2, 3].map(async (page) => (await fetch(`http://127.0.0.1:${open}/${page}`)).text()),
    );
    expect(pages.map((page) => /answers (\S+)</.exec(page)?.[1])).toEqual(['/1', '/2', '/3']);
    const refused = connect(closed, '127.0.0.1');
    refused.write('x');
    expect(await text(refused)).toBe('');
    await until('the reason', () => run.kept.out.includes('connection refused'));
    stop.abort();
    expect((await run.done).code).toBe(0);
  });
});
