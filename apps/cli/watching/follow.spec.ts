import { describe, expect, it } from 'vitest';
import { RpcError } from '#platform';
import { type Followed, follow } from './follow.js';

interface Message {
  resumeToken: string;
  text: string;
}
const message = (text: string, resumeToken = ''): Message => ({ text, resumeToken });
const lost = () => new RpcError('UNAVAILABLE', 'gone');

/** Plays one script per connection; the last one ends the watch. */
async function followed(scripts: readonly (readonly (Message | RpcError)[])[]) {
  const stop = new AbortController();
  const tokens: string[] = [];
  let losses = 0;
  async function* open(token: string): AsyncGenerator<Message> {
    const script = scripts[tokens.length];
    tokens.push(token);
    for (const step of script ?? []) {
      if (step instanceof RpcError) throw step;
      yield step;
    }
    if (tokens.length === scripts.length) stop.abort();
  }
  const got: Followed<Message>[] = [];
  const options = {
    open,
    io: { chance: () => 0 },
    signal: stop.signal,
    lost: () => {
      losses += 1;
    },
  };
  for await (const each of follow(options)) got.push(each);
  return { tokens, losses, texts: got.map((each) => (each.kind === 'anew' ? 'ANEW' : each.message.text)) };
}

describe('following a watch', () => {
  it('resumes after a lost connection where the last message stopped', async () => {
    const seen = await followed([
      [message('a'), message('synced', 't1'), message('b', 't2'), lost()],
      [message('c', 't3')],
    ]);
    expect(seen).toEqual({ tokens: ['', 't2'], losses: 1, texts: ['a', 'synced', 'b', 'c'] });
  });

  it('begins anew when it was lost in the first round', async () => {
    const seen = await followed([
      [message('a'), lost()],
      [message('a'), message('synced', 't1')],
    ]);
    expect(seen).toEqual({ tokens: ['', ''], losses: 1, texts: ['a', 'ANEW', 'a', 'synced'] });
  });

  it('begins anew when the token is no longer served', async () => {
    const expired = new RpcError('OUT_OF_RANGE', 'expired');
    const seen = await followed([[message('synced', 't1'), lost()], [expired], [message('again', 't9')]]);
    expect(seen.tokens).toEqual(['', 't1', '']);
    expect(seen.texts).toEqual(['synced', 'ANEW', 'again']);
  });

  it('fails at once when it never began, and when Berth says no', async () => {
    await expect(followed([[lost()], []])).rejects.toThrow('gone');
    const refused = new RpcError('PERMISSION_DENIED', 'no');
    await expect(followed([[message('synced', 't1'), refused], []])).rejects.toThrow('no');
  });
});
