/** A job's data as it is stored: nothing but which thing is meant, at which generation. */
export interface StoredRef {
  id: string;
  generation: string;
}

export interface StoredJob {
  name: string;
  data: StoredRef;
}

/** How a job is to be run. */
export interface RunOptions {
  attempts: number;
  backoff: { type: string; delay: number };
  removeOnComplete: boolean;
  removeOnFail: boolean;
}

/** What Berth uses of a BullMQ queue, on either backend. */
export interface BackendQueue {
  waitUntilReady(): Promise<unknown>;
  addBulk(
    jobs: { name: string; data: StoredRef; opts: RunOptions & { delay: number; jobId: string } }[],
  ): Promise<unknown>;
  upsertJobScheduler(
    id: string,
    repeat: { every: number },
    template: { name: string; data: StoredRef; opts: RunOptions },
  ): Promise<unknown>;
  close(): Promise<void>;
}

/** What Berth uses of a BullMQ worker, on either backend. */
export interface BackendWorker {
  waitUntilReady(): Promise<unknown>;
  run(): Promise<void>;
  close(): Promise<void>;
}

export interface BackendEvents {
  error(error: Error): void;
  failed(job: { name: string; id: string; attempts: number } | undefined, error: Error): void;
}

export interface Backend {
  queue(name: string): BackendQueue;
  /** Does not run until told to. */
  worker(name: string, process: (job: StoredJob) => Promise<void>, concurrency: number): BackendWorker;
  /** After its queues and workers. */
  close(): Promise<void>;
}

export type ConnectBackend = (url: string, events: BackendEvents) => Promise<Backend>;
