import { parentPort, workerData } from 'node:worker_threads';
import { JobRunner, type TraceFiles, type TraceJob } from './jobs.js';

/** Runs one job after the other in a thread of its own. */
const runner = new JobRunner(workerData as TraceFiles);
parentPort?.on('message', (job: TraceJob) => parentPort?.postMessage(runner.run(job)));
