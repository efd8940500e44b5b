import { join } from 'node:path';
import { startWorker, type Worker } from '../gateway/child.js';
import type {
  AgentSpec,
  SaturatedOrder,
  SpeakerCommands,
  SpeakerCounts,
  SpeakerStart,
  SteadyOrder,
} from './messages.js';

const sumByName = (all: readonly Record<string, number>[]): Record<string, number> => {
  const sums: Record<string, number> = {};
  for (const each of all) for (const [name, count] of Object.entries(each)) sums[name] = (sums[name] ?? 0) + count;
  return sums;
};

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** All agents, over several processes. */
export class Fleet {
  private constructor(private readonly speakers: readonly Worker<SpeakerCommands>[]) {}

  static async start(processes: number, start: SpeakerStart): Promise<Fleet> {
    const program = join(import.meta.dirname, 'speaker.js');
    const speakers = Array.from({ length: processes }, () => startWorker<SpeakerCommands>(program, []));
    await Promise.all(
      speakers.map((speaker, index) => speaker.ask('start', { ...start, seed: start.seed * 1000 + index })),
    );
    return new Fleet(speakers);
  }

  get pids(): Record<string, number> {
    return Object.fromEntries(this.speakers.map(({ pid }, index) => [`agents ${index + 1}`, pid]));
  }

  /** In turn to each process. */
  async add(specs: readonly AgentSpec[]): Promise<void> {
    const { length } = this.speakers;
    await this.each((speaker, own) => speaker.ask('add', { agents: specs.filter((_, at) => at % length === own) }));
  }

  async counts(): Promise<SpeakerCounts> {
    const all = await this.each((speaker) => speaker.ask('counts', {}));
    const total = (pick: (counts: SpeakerCounts) => number) => sum(all.map(pick));
    return {
      agents: total((each) => each.agents),
      worksHeld: total((each) => each.worksHeld),
      inStep: total((each) => each.inStep),
      lastInStepAt: Math.max(...all.map((each) => each.lastInStepAt)),
      lost: total((each) => each.lost),
      failed: sumByName(all.map((each) => each.failed)),
      reportsStored: total((each) => each.reportsStored),
      rowsStored: total((each) => each.rowsStored),
      heartbeats: total((each) => each.heartbeats),
      wireBytes: total((each) => each.wireBytes),
      cpuMicros: total((each) => each.cpuMicros),
    };
  }

  async changeInventory(changes: boolean): Promise<void> {
    await this.each((speaker) => speaker.ask('inventory', { changes }));
  }

  async steady(order: SteadyOrder): Promise<number[]> {
    return (await this.each((speaker) => speaker.ask('steady', order))).flatMap(({ lagsMs }) => lagsMs);
  }

  async saturate(order: SaturatedOrder): Promise<void> {
    await this.each((speaker) => speaker.ask('saturate', order));
  }

  /** Resolves once every agent is in step and all together hold so many works. */
  async settled(works: number, withinMs: number): Promise<SpeakerCounts> {
    for (const deadline = Date.now() + withinMs; ; ) {
      const counts = await this.counts();
      if (counts.inStep === counts.agents && counts.worksHeld >= works) return counts;
      if (Date.now() > deadline)
        throw new Error(
          `within ${withinMs} ms ${counts.inStep} of ${counts.agents} agents came in step, with ${counts.worksHeld} of ${works} works`,
        );
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  async end(): Promise<void> {
    await Promise.all(this.speakers.map((speaker) => speaker.end()));
  }

  private each<T>(work: (speaker: Worker<SpeakerCommands>, index: number) => Promise<T>): Promise<T[]> {
    return Promise.all(this.speakers.map(work));
  }
}
