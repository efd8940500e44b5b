import type { Backend, BackendQueue, BackendWorker, ConnectBackend, RunOptions, StoredJob } from './backend.js';
import {
  handlersByJob,
  type JobHandler,
  type JobKind,
  type JobRef,
  type JobTable,
  type Queue,
  type QueueLog,
} from './jobs.js';
import { connectPostgres } from './postgres.js';
import { connectRedis } from './redis.js';

export interface QueueOptions<Jobs extends JobTable> {
  /** `postgres://…` or `redis://…` (`rediss://…`). */
  url: string;
  /** Processes that share jobs share this name. */
  name: string;
  jobs: Jobs;
  handlers: readonly JobHandler<keyof Jobs & string>[];
  /** How many jobs run at once in this process. Default 2. */
  concurrency?: number;
  /** Repeating jobs are entered again this often, in case the queue was emptied. Default 60 s. */
  reassertMs?: number;
  log?: QueueLog;
}

const backends: Readonly<Record<string, ConnectBackend>> = {
  'postgres:': connectPostgres,
  'postgresql:': connectPostgres,
  'redis:': connectRedis,
  'rediss:': connectRedis,
};

/**
 * Connects and begins to run jobs.
 *
 * @throws JobsMiswired when a job has no handler or two.
 * @throws Unavailable when the queue does not answer.
 */
export async function connectQueue<Jobs extends JobTable>(
  options: QueueOptions<Jobs>,
): Promise<Queue<keyof Jobs & string>> {
  const handlers = handlersByJob(options.jobs, options.handlers);
  const connect = backends[new URL(options.url).protocol];
  if (connect === undefined) throw new RangeError(`a queue's URL begins with ${Object.keys(backends).join(', ')}`);
  const { log = { warn: () => undefined } } = options;
  const backend = await connect(options.url, {
    error: (error) => log.warn({ error: error.message }, 'queue connection'),
    failed: (job, error) => log.warn({ ...job, error: error.message }, 'job failed'),
  });
  const queue = new BullBackedQueue(backend, options, handlers, log);
  await queue.start();
  return queue;
}

class BullBackedQueue<Jobs extends JobTable> implements Queue<keyof Jobs & string> {
  readonly #queue: BackendQueue;
  readonly #worker: BackendWorker;
  readonly #stopping = new AbortController();
  #reasserting: NodeJS.Timeout | undefined;

  constructor(
    private readonly backend: Backend,
    private readonly options: QueueOptions<Jobs>,
    private readonly handlers: ReadonlyMap<string, JobHandler>,
    private readonly log: QueueLog,
  ) {
    const { name, concurrency = 2 } = options;
    this.#queue = backend.queue(name);
    this.#worker = backend.worker(name, (job) => this.#process(job), concurrency);
  }

  async start(): Promise<void> {
    await Promise.all([this.#queue.waitUntilReady(), this.#worker.waitUntilReady()]);
    await this.#assertRepeating();
    this.#reasserting = setInterval(() => {
      this.#assertRepeating().catch((error: Error) =>
        this.log.warn({ error: error.message }, 'repeating jobs could not be entered; trying again'),
      );
    }, this.options.reassertMs ?? 60_000);
    this.#worker.run().catch((error: Error) => this.log.warn({ error: error.message }, 'queue worker ended'));
  }

  add(job: keyof Jobs & string, ref: JobRef, options?: { delayMs?: number }): Promise<void> {
    return this.addAll(job, [ref], options);
  }

  async addAll(
    job: keyof Jobs & string,
    refs: readonly JobRef[],
    { delayMs = 0 }: { delayMs?: number } = {},
  ): Promise<void> {
    const kind = this.options.jobs[job];
    if (kind === undefined) throw new RangeError(`"${job}" is no job of this queue`);
    await this.#queue.addBulk(
      refs.map(({ id, generation }) => ({
        name: job,
        data: { id, generation: generation.toString() },
        // The queue takes no colons in ids.
        opts: { ...retrying(kind), delay: delayMs, jobId: [job, id, generation].join('~').replaceAll(':', '_') },
      })),
    );
  }

  async close(): Promise<void> {
    clearInterval(this.#reasserting);
    this.#stopping.abort();
    await this.#worker.close();
    await this.#queue.close();
    await this.backend.close();
  }

  async #process({ name, data }: StoredJob): Promise<void> {
    const handler = this.handlers.get(name);
    if (handler === undefined) {
      // Left behind by another version of this process: nobody waits for it.
      this.log.warn({ job: name }, 'job without a handler was dropped');
      return;
    }
    await handler.handle({ id: data.id, generation: BigInt(data.generation) }, this.#stopping.signal);
  }

  async #assertRepeating(): Promise<void> {
    for (const [name, kind] of Object.entries(this.options.jobs)) {
      if (kind.repeatEveryMs === undefined) continue;
      const template = { name, data: { id: name, generation: '0' }, opts: retrying(kind) };
      await this.#queue.upsertJobScheduler(name, { every: kind.repeatEveryMs }, template);
    }
  }
}

const retrying = ({ attempts, backoffMs }: JobKind): RunOptions => ({
  attempts,
  backoff: { type: 'exponential', delay: backoffMs },
  removeOnComplete: true,
  removeOnFail: true,
});
