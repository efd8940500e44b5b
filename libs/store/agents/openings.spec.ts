import { describe, expect, it } from 'vitest';
import { Unavailable } from '#domain';
import type { LineGrant, LineRequest } from './lines.js';
import { Openings } from './openings.js';

const request = (cluster: string): LineRequest => ({
  ...{ cluster, hubId: 'hub', hubAddress: 'hub:7443', agentVersion: '1', memberUid: '', instanceId: '', hostName: '' },
  resumeFrom: undefined,
});
const grantFor = ({ cluster }: LineRequest): LineGrant => ({ kind: 'diverged', head: BigInt(cluster.length) });

/** Notes the batches; each goes on when the event loop has turned. */
function openings(failure: (batch: readonly string[]) => Error | undefined = () => undefined) {
  const batches: string[] = [];
  const gathering = new Openings(async (requests) => {
    const clusters = requests.map(({ cluster }) => cluster);
    batches.push(clusters.join(' '));
    await new Promise((resolve) => setImmediate(resolve));
    const error = failure(clusters);
    if (error !== undefined) throw error;
    return requests.map(grantFor);
  });
  const ask = (cluster: string) => gathering.ask(request(cluster)).catch((error: Error) => error.name);
  return { batches, ask };
}

describe('openings that share a transaction', () => {
  it('go on at once while few come, and gather while two batches are under way', async () => {
    const { batches, ask } = openings();
    const answers = await Promise.all(['a', 'bb', 'ccc', 'dddd', 'eeeee'].map(ask));
    expect(batches).toEqual(['a', 'bb', 'ccc dddd eeeee']);
    expect(answers).toEqual([1n, 2n, 3n, 4n, 5n].map((head) => ({ kind: 'diverged', head })));
  });

  it('are never two of one cluster, and keep its order', async () => {
    const { batches, ask } = openings();
    await Promise.all(['x', 'y', 'a', 'b', 'a', 'c', 'a'].map(ask));
    expect(batches.slice(0, 3)).toEqual(['x', 'y', 'a b c']);
    expect(batches.slice(3)).toEqual(['a', 'a']);
  });

  it('wait while their cluster is in the other batch: the later one gets the later epoch', async () => {
    const { batches, ask } = openings();
    await Promise.all(['a', 'a', 'b', 'a'].map(ask));
    expect(batches).toEqual(['a', 'b', 'a', 'a']);
  });

  it('are tried one by one when a batch fails for what one of them says', async () => {
    const { batches, ask } = openings((batch) => (batch.includes('bad') ? new TypeError('nonsense') : undefined));
    const answers = await Promise.all(['x', 'y', 'good', 'bad', 'fine'].map(ask));
    expect(batches).toEqual(['x', 'y', 'good bad fine', 'good', 'bad', 'fine']);
    expect(answers[3]).toBe('TypeError');
    expect(answers.filter((answer) => typeof answer === 'string')).toHaveLength(1);
  });

  it('fail together when the store does not answer, and the next ones go on', async () => {
    let isAway = true;
    const { batches, ask } = openings(() => (isAway ? new Unavailable({ dependency: 'the store' }) : undefined));
    await Promise.all(['x', 'y', 'a', 'b'].map(ask));
    expect(batches).toEqual(['x', 'y', 'a b']);
    isAway = false;
    expect(await ask('a')).toMatchObject({ kind: 'diverged' });
  });
});
