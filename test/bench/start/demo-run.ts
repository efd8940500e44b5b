import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { type MeasuredProcess, measureTree, type ProcessFact, stillRunning, totalPss } from '../processes.js';

/** The project's folder, seen from `dist/test/bench/start`. */
export const projectRoot = join(import.meta.dirname, '../../../..');

export interface DemoRun {
  readySeconds: number;
  /** Seconds from the start to each line that marks a step. */
  steps: readonly { atSeconds: number; line: string }[];
  /** The largest sum over all processes that a sample saw, and the sum once ready, bytes. */
  peakBytes: number;
  readyBytes: number;
  /** The processes at the moment of the peak. */
  processes: readonly MeasuredProcess[];
  /** Seconds from Ctrl-C to the end, and what outlived it. */
  endSeconds: number;
  left: readonly ProcessFact[];
}

type Demo = ChildProcessByStdio<null, Readable, Readable>;
const samplingMs = 200;
const patienceMs = 180_000;

/** Samples the process tree while it runs; keeps the largest sum and everything that was ever seen. */
class MemorySampler {
  readonly seen = new Map<string, ProcessFact>();
  peak: readonly MeasuredProcess[] = [];
  readonly #timer: NodeJS.Timeout;
  #sampling: Promise<readonly MeasuredProcess[]> | undefined;

  constructor(private readonly root: number) {
    this.#timer = setInterval(() => void this.sample(), samplingMs);
  }

  sample(): Promise<readonly MeasuredProcess[]> {
    this.#sampling ??= this.#take().finally(() => {
      this.#sampling = undefined;
    });
    return this.#sampling;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#sampling;
  }

  async #take(): Promise<readonly MeasuredProcess[]> {
    const tree = await measureTree(this.root);
    for (const process of tree) this.seen.set(`${process.pid}/${process.startTime}`, process);
    if (totalPss(tree) > totalPss(this.peak)) this.peak = tree;
    return tree;
  }
}

/** Resolves with the lines that mark steps once the demo says that all is ready. */
async function untilReady(demo: Demo, startedAt: number, errors: () => string): Promise<DemoRun['steps']> {
  const steps: { atSeconds: number; line: string }[] = [];
  for await (const line of createInterface({ input: demo.stdout })) {
    if (!line.startsWith('✔') && !line.startsWith('Applying')) continue;
    steps.push({ atSeconds: (performance.now() - startedAt) / 1000, line });
    if (line.startsWith('✔ ready')) return steps;
  }
  throw new Error(`the demo ended before everything was ready:\n${errors()}`);
}

function collect(stream: Readable): () => string {
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  return () => text;
}

/** One demo as a user runs it, without a terminal: to ready, then Ctrl-C. */
export async function runDemo(): Promise<DemoRun> {
  const startedAt = performance.now();
  const demo = spawn(process.execPath, [join(projectRoot, 'scripts/demo.mjs')], {
    cwd: projectRoot,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(demo, 'exit');
  const errors = collect(demo.stderr);
  if (demo.pid === undefined) throw new Error('the demo could not be started');
  const sampler = new MemorySampler(demo.pid);
  const patience = setTimeout(() => demo.kill('SIGTERM'), patienceMs);
  try {
    const steps = await untilReady(demo, startedAt, errors);
    const readySeconds = (performance.now() - startedAt) / 1000;
    const atReady = await sampler.sample();
    await sampler.stop();
    const endedFrom = performance.now();
    demo.stdout.resume();
    demo.kill('SIGINT');
    await exited;
    return {
      readySeconds,
      steps,
      peakBytes: totalPss(sampler.peak),
      readyBytes: totalPss(atReady),
      processes: sampler.peak,
      endSeconds: (performance.now() - endedFrom) / 1000,
      left: await stillRunning([...sampler.seen.values()]),
    };
  } finally {
    clearTimeout(patience);
    await sampler.stop();
    if (demo.exitCode === null && demo.signalCode === null) {
      demo.kill('SIGTERM');
      await exited;
    }
  }
}
