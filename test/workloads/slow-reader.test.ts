import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tunnelWindowBytes } from '#platform';
import { eventually } from '../line/harness.js';
import { type PodWorld, startPodWorld } from './world.js';

/** Every pod prints as fast as it is read. */
let world: PodWorld;
beforeAll(async () => {
  world = await startPodWorld({ everyMs: 0, lineBytes: 200 });
});
afterAll(() => world.close());

interface Beat {
  cluster_id: string;
  lease: number;
}
const leases = () =>
  world.station.database.query<Beat>(
    `SELECT cluster_id, extract(epoch FROM lease_expires_at) * 1000 AS lease FROM cluster_agents ORDER BY cluster_id`,
  );

/** How long after each other the heartbeats of every agent were stored, over so many beats. */
async function heartbeatGaps(beats: number): Promise<number[]> {
  const gaps: number[] = [];
  let last = await leases();
  const want = beats * last.length;
  await eventually(
    async () => {
      const now = await leases();
      for (const [index, { lease }] of now.entries()) {
        const gap = Number(lease) - Number(last[index]?.lease);
        if (gap > 0) gaps.push(gap);
      }
      last = now;
      return gaps.length;
    },
    (count) => count >= want,
    60_000,
  );
  return gaps;
}

const longest = (gaps: readonly number[]) => Math.round(Math.max(...gaps));

describe('a reader that does not read, while pods print at full speed', () => {
  it('delays no heartbeat, and is owed no more than a window', async () => {
    const quiet = await heartbeatGaps(2);
    const stop = new AbortController();
    // two readers of everything: of each, one message is taken and then no more
    const streams = [1, 2].map(() =>
      world.station.workloads
        .readLogs({ name: world.name, follow: true }, { signal: stop.signal })
        [Symbol.asyncIterator](),
    );
    await Promise.all(streams.map((stream) => stream.next()));
    const tunnels = streams.length * 4;
    const loaded = await heartbeatGaps(1);
    const early = process.memoryUsage().arrayBuffers;
    loaded.push(...(await heartbeatGaps(3)));
    const grown = process.memoryUsage().arrayBuffers - early;
    console.info(
      `heartbeats at most ${longest(quiet)} ms apart without, ${longest(loaded)} ms with ${tunnels} stalled tunnels; meanwhile ${Math.round(grown / 1024)} KiB more are held`,
    );
    expect(loaded.length).toBeGreaterThanOrEqual(8);
    // members, agents, hub and gateway are all in this process: what is printed goes nowhere, and waits nowhere
    expect(grown).toBeLessThan(tunnels * tunnelWindowBytes);
    const unreachable = await world.station.database.query(`SELECT 1 FROM clusters WHERE phase <> 'ready'`);
    expect(unreachable).toEqual([]);
    stop.abort();
  });

  it('leaves others’ commands as quick as they were', async () => {
    const stop = new AbortController();
    const stalled = world.station.workloads.readLogs({ name: world.name, follow: true }, { signal: stop.signal });
    await stalled[Symbol.asyncIterator]().next();
    const stream = world.station.workloads.exec({ deadlineMs: 10_000 });
    const target = { name: world.name, component: 'web' };
    await stream.write({ message: { case: 'start', value: { target, command: ['echo', 'here'] } } });
    const got: string[] = [];
    for await (const { message } of stream.messages)
      if (message.case === 'stdout') got.push(Buffer.from(message.value).toString());
    expect(got).toEqual(['here\n']);
    stop.abort();
  });
});
