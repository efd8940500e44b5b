import { describe, expect, it } from 'vitest';
import { runCommand } from './commands.js';
import { throughTerminal } from './terminal.js';

/** Types a piece each time when what is shown ends as told, and answers all that was shown and the exit code. */
async function typed(command: readonly string[], keys: readonly (readonly [shown: string, piece: string])[]) {
  let shown = '';
  let printed: () => void = () => undefined;
  const waiting = [...keys];
  const out = async (text: string | Uint8Array) => {
    shown += Buffer.from(text).toString();
    printed();
    await new Promise((resolve) => setImmediate(resolve));
  };
  const read = async () => {
    const next = waiting.shift();
    if (next === undefined) return new Promise<undefined>(() => undefined);
    while (!shown.endsWith(next[0]))
      await new Promise<void>((resolve) => {
        printed = resolve;
      });
    return Buffer.from(next[1]);
  };
  const size = () => ({ columns: 80, rows: 24 });
  const io = throughTerminal({ out, err: out, read, env: {}, size, isClosed: () => false });
  return { code: await runCommand(command, io), shown };
}

describe('a pretended terminal', () => {
  it('echoes, and hands on line by line', async () => {
    expect(
      await typed(
        ['cat'],
        [
          ['', 'one\r'],
          ['one\r\none\r\n', '\u0004'],
        ],
      ),
    ).toEqual({
      code: 0,
      shown: 'one\r\none\r\n',
    });
  });

  it('ends the command in the foreground at Ctrl-C', async () => {
    expect(
      await typed(
        ['cat'],
        [
          ['', 'half'],
          ['half', '\u0003'],
        ],
      ),
    ).toEqual({ code: 130, shown: 'half^C\r\n' });
    expect((await typed(['yes'], [['y\r\n', '\u0003']])).code).toBe(130);
    expect((await typed(['sh', '-c', 'cat; echo on'], [['', '\u0003']])).code).toBe(130);
  });

  it('comes back to the prompt of a shell when a command is interrupted, or has read to the end', async () => {
    const { code, shown } = await typed(
      ['sh'],
      [
        ['$ ', 'cat\r'],
        ['cat\r\n', 'a\r'],
        ['a\r\na\r\n', '\u0003'],
        ['^C\r\n$ ', 'wrong\u0003'],
        ['wrong^C\r\n$ ', 'cat\r'],
        ['cat\r\n', '\u0004'],
        ['$ ', 'false\r'],
        ['$ ', '\u0004'],
      ],
    );
    expect(shown).toBe('$ cat\r\na\r\na\r\n^C\r\n$ wrong^C\r\n$ cat\r\n$ false\r\n$ ');
    expect(code).toBe(1);
  });

  it('takes back what is erased, by whole characters', async () => {
    const { shown } = await typed(
      ['sh'],
      [
        ['$ ', 'nope\u0015echo grün\u007f\u007fau\r'],
        ['$ ', '\u0004'],
      ],
    );
    expect(shown.split('\r\n')[1]).toBe('grau');
  });

  it('ends no input at Ctrl-D in the middle of a line', async () => {
    expect(
      await typed(
        ['cat'],
        [
          ['', 'ab\u0004'],
          ['abab', '\u0004'],
        ],
      ),
    ).toEqual({ code: 0, shown: 'abab' });
  });
});
