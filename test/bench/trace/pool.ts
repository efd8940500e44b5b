import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { TraceFiles, TraceJob } from './jobs.js';
import type { RunFigures } from './tally.js';

/** Runs all jobs on so many threads; the figures come in the order of the jobs. `done` hears of each as it ends. */
export async function runJobs(
  jobs: readonly TraceJob[],
  threads: number,
  files: TraceFiles,
  done: (job: TraceJob, figures: RunFigures) => void,
): Promise<RunFigures[]> {
  const figures: RunFigures[] = [];
  const waiting = jobs.entries();
  const workers = Array.from({ length: threads }, () => threadOf(files));
  try {
    await Promise.all(
      workers.map(async (worker) => {
        for (const [at, job] of waiting) {
          const outcome = await answerOf(worker, job);
          figures[at] = outcome;
          done(job, outcome);
        }
      }),
    );
    return figures;
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

const threadOf = (files: TraceFiles): Worker =>
  new Worker(join(import.meta.dirname, 'worker.js'), { workerData: files });

function answerOf(worker: Worker, job: TraceJob): Promise<RunFigures> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      worker.off('message', onMessage);
      worker.off('error', onError);
      act();
    };
    const onMessage = (figures: RunFigures) => settle(() => resolve(figures));
    const onError = (error: Error) => settle(() => reject(error));
    worker.on('message', onMessage);
    worker.on('error', onError);
    worker.postMessage(job);
  });
}
