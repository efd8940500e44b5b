import { afterEach, describe, expect, it } from 'vitest';
import { connectQueue } from './connect.js';
import { type JobHandler, JobsMiswired, type JobTable, type Queue } from './jobs.js';

/** Somewhere that a queue can be connected to. */
export interface QueueSite {
  url: string;
  /** Takes everything out of the queue, as a lost disk would. */
  empty(): Promise<void>;
}

const jobs = {
  'thing.retry': { attempts: 3, backoffMs: 20 },
  'thing.tick': { attempts: 1, backoffMs: 20, repeatEveryMs: 150 },
} as const satisfies JobTable;
type Name = keyof typeof jobs;

async function until(condition: () => boolean, withinMs = 15_000): Promise<void> {
  const end = Date.now() + withinMs;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`not within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** The one suite that every backend of the queue passes. */
export function describeQueue(backend: string, site: () => QueueSite): void {
  describe(`queue on ${backend}`, () => {
    const open: Queue[] = [];
    let count = 0;
    afterEach(async () => {
      await Promise.all(open.splice(0).map((queue) => queue.close()));
    });

    async function connect(
      retry: JobHandler<Name>['handle'],
      tick: JobHandler<Name>['handle'] = async () => undefined,
      name = `q${count++}`,
    ) {
      const handlers: JobHandler<Name>[] = [
        { job: 'thing.retry', handle: retry },
        { job: 'thing.tick', handle: tick },
      ];
      const queue = await connectQueue({ url: site().url, name, jobs, handlers, reassertMs: 200 });
      open.push(queue);
      return queue;
    }

    it('hands a job its id and generation', async () => {
      const seen: string[] = [];
      const queue = await connect(async ({ id, generation }) => void seen.push(`${id}@${generation}`));
      await queue.add('thing.retry', { id: 'acme/shop:production/7', generation: 12n });
      await until(() => seen.length > 0);
      expect(seen).toEqual(['acme/shop:production/7@12']);
    });

    it('tries a failed job again, and gives up after its attempts', async () => {
      const tries: Record<string, number> = {};
      const queue = await connect(async ({ id }) => {
        tries[id] = (tries[id] ?? 0) + 1;
        if (id === 'hopeless' || tries[id] < 2) throw new Error('not yet');
      });
      await queue.add('thing.retry', { id: 'hopeless', generation: 1n });
      await queue.add('thing.retry', { id: 'second', generation: 1n });
      await until(() => tries.hopeless === 3 && tries.second === 2);
      await queue.add('thing.retry', { id: 'last', generation: 1n });
      await until(() => tries.last === 2);
      expect(tries).toEqual({ hopeless: 3, second: 2, last: 2 });
    });

    it('runs a delayed job when its time has come, once for many askings', async () => {
      const seen: string[] = [];
      const queue = await connect(async ({ id }) => void seen.push(id));
      const began = Date.now();
      for (let asked = 0; asked < 5; asked++)
        await queue.add('thing.retry', { id: 'late', generation: 1n }, { delayMs: 400 });
      await queue.add('thing.retry', { id: 'now', generation: 1n });
      await until(() => seen.includes('late'));
      expect(Date.now() - began).toBeGreaterThanOrEqual(350);
      expect(seen).toEqual(['now', 'late']);
    });

    it('shares the jobs of two processes: each runs once', async () => {
      const seen: string[] = [];
      const name = `shared${count++}`;
      const first = await connect(async ({ id }) => void seen.push(id), undefined, name);
      await connect(async ({ id }) => void seen.push(id), undefined, name);
      await Promise.all(
        Array.from({ length: 40 }, (_, index) => first.add('thing.retry', { id: `${index}`, generation: 1n })),
      );
      await until(() => seen.length >= 40);
      expect(new Set(seen).size).toBe(40);
      expect(seen).toHaveLength(40);
    });

    it('repeats what repeats, also after all of it was lost', async () => {
      let ticks = 0;
      await connect(
        async () => undefined,
        async () => void ticks++,
      );
      await until(() => ticks >= 2);
      await site().empty();
      const before = ticks;
      await until(() => ticks >= before + 3);
    });

    it('lets a running job end before it closes', async () => {
      let ended = false;
      let began = false;
      const queue = await connect(async (_, signal) => {
        began = true;
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => setTimeout(resolve, 50)));
        ended = true;
      });
      await queue.add('thing.retry', { id: 'long', generation: 1n });
      await until(() => began);
      await queue.close();
      open.splice(0);
      expect(ended).toBe(true);
    });

    it('does not start when a job has no handler, or two', async () => {
      const handle = async () => undefined;
      const start = (handlers: JobHandler<Name>[]) => connectQueue({ url: site().url, name: 'wired', jobs, handlers });
      await expect(start([{ job: 'thing.retry', handle }])).rejects.toThrow(
        new JobsMiswired('job "thing.tick" has no handler'),
      );
      await expect(
        start([
          { job: 'thing.retry', handle },
          { job: 'thing.retry', handle },
          { job: 'thing.tick', handle },
        ]),
      ).rejects.toThrow(new JobsMiswired('job "thing.retry" has 2 handlers'));
    });
  });
}
