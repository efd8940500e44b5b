/** What a job is about: an id and the generation that was meant. Its handler reads the rest itself. */
export interface JobRef {
  id: string;
  generation: bigint;
}

/** A job as data: how often it is tried, and whether it comes again by itself. */
export interface JobKind {
  /** How often it is tried in all. */
  attempts: number;
  /** Before the second attempt; doubles with each. In milliseconds. */
  backoffMs: number;
  /** Runs again and again, this far apart, once for all processes. In milliseconds. */
  repeatEveryMs?: number;
}

/** The jobs of a process, by name. */
export type JobTable = Readonly<Record<string, JobKind>>;

export interface JobHandler<Name extends string = string> {
  job: Name;
  /** May run twice for one job, and for a generation that is history: it looks before it acts. */
  handle(ref: JobRef, signal: AbortSignal): Promise<void>;
}

/** What the queue says about itself: events with fields. */
export interface QueueLog {
  warn(fields: Record<string, unknown>, event: string): void;
}

/**
 * Timers, retries and long jobs. It carries no truth: all of it may be lost at any moment, and progress never depends on it.
 */
export interface Queue<Name extends string = string> {
  /** Adds a job, to run after `delayMs`. While one with the same name, id and generation waits, there is only that one. */
  add(job: Name, ref: JobRef, options?: { delayMs?: number }): Promise<void>;
  /** Many at once. */
  addAll(job: Name, refs: readonly JobRef[], options?: { delayMs?: number }): Promise<void>;
  /** Waits for jobs that are running, then disconnects. */
  close(): Promise<void>;
}

/** Start-up fails when a job has no handler, or two, or a handler has no job. */
export class JobsMiswired extends Error {
  override readonly name = 'JobsMiswired';
}

/** @throws JobsMiswired naming each job that is wired wrongly. */
export function handlersByJob<Name extends string>(
  jobs: JobTable,
  handlers: readonly JobHandler<Name>[],
): ReadonlyMap<string, JobHandler<Name>> {
  const wrong: string[] = [];
  for (const job of Object.keys(jobs)) {
    const count = handlers.filter((handler) => handler.job === job).length;
    if (count !== 1) wrong.push(`job "${job}" has ${count === 0 ? 'no handler' : `${count} handlers`}`);
  }
  for (const { job } of handlers) if (!Object.hasOwn(jobs, job)) wrong.push(`handler for "${job}", which is no job`);
  if (wrong.length > 0) throw new JobsMiswired(wrong.join('; '));
  return new Map(handlers.map((handler) => [handler.job, handler]));
}
