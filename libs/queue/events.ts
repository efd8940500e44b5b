import type { Job } from 'bullmq';
import type { BackendEvents, StoredRef } from './backend.js';

interface Listening {
  on(event: 'error', listener: (error: Error) => void): unknown;
}

interface ListeningWorker extends Listening {
  on(event: 'failed', listener: (job: Job<StoredRef> | undefined, error: Error) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

/** An error without a listener would end the process. */
export function listenTo<Q extends Listening>(queue: Q, events: BackendEvents): Q {
  queue.on('error', events.error);
  return queue;
}

export function listenToWorker<W extends ListeningWorker>(worker: W, events: BackendEvents): W {
  worker.on('failed', (job, error) =>
    events.failed(job && { name: job.name, id: job.data.id, attempts: job.attemptsMade }, error),
  );
  worker.on('error', events.error);
  return worker;
}
