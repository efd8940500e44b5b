import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { Unavailable } from '#domain';
import type { ConnectBackend, StoredRef } from './backend.js';
import { listenTo, listenToWorker } from './events.js';

/** Keys of Berth's jobs, apart from whatever else the server holds. */
const prefix = 'berth';

/** BullMQ on Redis or Valkey, by configuration. */
export const connectRedis: ConnectBackend = async (url, events) => {
  const connection = new Redis(url, {
    lazyConnect: true,
    connectTimeout: 5_000,
    // BullMQ waits with blocking commands, which must not be given up.
    maxRetriesPerRequest: null,
    retryStrategy: (times) => Math.min(times * 100, 2_000),
  });
  connection.on('error', events.error);
  try {
    await connection.connect();
  } catch (cause) {
    connection.disconnect();
    throw new Unavailable({ dependency: 'the queue (Redis)' }, { cause });
  }
  return {
    queue: (name) => listenTo(new Queue<StoredRef>(name, { connection, prefix }), events),
    worker: (name, process, concurrency) =>
      listenToWorker(new Worker<StoredRef>(name, process, { connection, prefix, concurrency, autorun: false }), events),
    close: async () => {
      connection.disconnect();
    },
  };
};
