import { Worker } from 'node:worker_threads';
import { z } from 'zod';
import type { JsonObject } from '#domain';
import { answerLimits, type EnginePlugin } from '#placement';
import type { Logger } from '#platform';
import { type Plugin, PluginFailure, type Said } from '../port.js';
import type { Question } from '../question.js';
import type { PackageSettings } from '../settings.js';

export interface WorkerParts {
  engine: EnginePlugin;
  settings: JsonObject;
  runs: PackageSettings;
  log: Logger;
}

/** A module that is not loaded by then is given up. */
const loadingMs = 10_000;

/** What a plug-in prints is logged: so many pieces between two questions, each as far as this. */
const mostPrinted = { pieces: 20, bytes: 500 } as const;

const numbers = z.instanceof(Float64Array).optional();
const answer = z.object({
  failure: z.string().optional(),
  reasons: z.array(z.string()),
  verdicts: numbers,
  scores: numbers,
});
const message = z.union([
  z.object({ ready: z.literal(true) }),
  z.object({ ready: z.literal(false), failure: z.string() }),
  z.object({ id: z.number(), failure: z.string() }),
  z.object({ id: z.number(), version: z.string(), answers: z.array(answer) }),
]);

interface Asked {
  resolve(said: Said): void;
  reject(failure: PluginFailure): void;
}

/** A worker at work, until it is ended or ends. */
class Running {
  readonly worker: Worker;
  readonly asked = new Map<number, Asked>();
  /** Settles once the package is loaded, or is known not to be. */
  readonly loaded: Promise<void>;
  isGone = false;
  /** Pieces since the last question. */
  printed = 0;
  #isLoaded: () => void = () => undefined;
  #isNot: (failure: PluginFailure) => void = () => undefined;

  constructor({ engine, settings, runs, log }: WorkerParts) {
    this.loaded = new Promise((resolve, reject) => {
      this.#isLoaded = resolve;
      this.#isNot = reject;
    });
    this.loaded.catch(() => undefined); // told to whoever asks
    const { module, version: packageVersion, memoryMb } = runs;
    const asks = { filters: engine.filter !== undefined, scores: engine.score !== undefined };
    this.worker = new Worker(new URL('./entry.mjs', import.meta.url), {
      name: `berth plug-in ${engine.name}`,
      workerData: { module, packageVersion, settings, ...asks, limits: answerLimits },
      // Nothing of the process' environment, which has passwords in it.
      env: {},
      execArgv: [],
      argv: [],
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: memoryMb },
    });
    for (const printed of [this.worker.stdout, this.worker.stderr])
      printed.on('data', (text: Buffer) => {
        if (this.printed++ >= mostPrinted.pieces) return;
        log.info({ plugin: engine.name, text: text.toString('utf8', 0, mostPrinted.bytes).trim() }, 'plug-in printed');
      });
    this.worker.on('message', (told: unknown) => this.#hear(told));
    this.worker.on('error', (error) => this.end(`ended with an error: ${error.message}`));
    this.worker.on('exit', (code) => this.end(`ended with code ${code}`));
    const timer = setTimeout(() => this.end(`was not loaded within ${loadingMs} ms`), loadingMs);
    const loading = (): void => clearTimeout(timer);
    this.loaded.then(loading, loading);
  }

  #hear(told: unknown): void {
    const read = message.safeParse(told);
    if (!read.success) this.end('sent a message of no known form');
    else if ('id' in read.data) this.#settle(read.data);
    else if (read.data.ready) this.#isLoaded();
    else this.end(read.data.failure);
  }

  #settle(told: Extract<z.infer<typeof message>, { id: number }>): void {
    const asked = this.asked.get(told.id);
    this.asked.delete(told.id);
    if ('failure' in told) asked?.reject(new PluginFailure(told.failure));
    else asked?.resolve(saidOf(told));
  }

  /** Whatever it is doing. Safe to call again. */
  end(why: string): void {
    if (this.isGone) return;
    this.isGone = true;
    const failure = new PluginFailure(why);
    this.#isNot(failure);
    for (const { reject } of this.asked.values()) reject(failure);
    this.asked.clear();
    this.ended = this.worker.terminate().then(() => undefined);
  }

  ended: Promise<void> = Promise.resolve();
}

const saidOf = ({ version, answers }: { version: string; answers: z.infer<typeof answer>[] }): Said => ({
  version,
  answers: answers.map(({ failure, reasons, verdicts, scores }) => ({ failure, reasons, verdicts, scores })),
});

/**
 * A package in a worker of this process, which can be ended in the middle of an endless loop; the next question finds a new
 * one. A worker keeps mistakes apart, not malice: a package has the rights of the process.
 */
export class WorkerPlugin implements Plugin {
  #running: Running | undefined;
  #next = 0;
  #isClosed = false;

  constructor(private readonly parts: WorkerParts) {}

  /** Resolves once the package is loaded. */
  start(): Promise<void> {
    return this.#current().loaded;
  }

  async ask({ groups, clusters }: Question, signal: AbortSignal): Promise<Said> {
    const running = this.#current();
    await running.loaded;
    if (signal.aborted) throw new PluginFailure('was asked too late');
    const id = this.#next++;
    return await new Promise((resolve, reject) => {
      const late = (): void => {
        if (!running.asked.has(id)) return;
        running.end('was ended since an answer took too long');
        if (!this.#isClosed) this.#current();
      };
      signal.addEventListener('abort', late, { once: true });
      const forget = (): void => signal.removeEventListener('abort', late);
      running.asked.set(id, {
        resolve: (said) => {
          forget();
          resolve(said);
        },
        reject: (failure) => {
          forget();
          reject(failure);
        },
      });
      running.printed = 0;
      running.worker.postMessage({ id, groups, clusters });
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#running?.end('is being closed');
    await this.#running?.ended;
  }

  #current(): Running {
    if (this.#running === undefined || (this.#running.isGone && !this.#isClosed))
      this.#running = new Running(this.parts);
    return this.#running;
  }
}
