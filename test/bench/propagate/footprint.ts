import { readFile } from 'node:fs/promises';
import { megabytes, processTrees, pssOf } from '../processes.js';

/** What one part of the system uses. */
export interface Footprint {
  pssMb: number;
  /** Since it was started, with children that have ended. */
  cpuSeconds: number;
}

export type Footprints = Readonly<Record<string, Footprint>>;

/** Steps of `utime` and `stime` in /proc, which Linux fixes for user space. */
const ticksPerSecond = 100;

async function statOf(pid: number): Promise<string[]> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ''); // it has ended
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/** Fields 14 to 17 of proc(5): own time and, of the first of a tree, that of its children that have ended. */
async function cpuSecondsOf(pid: number, isFirst: boolean): Promise<number> {
  const fields = await statOf(pid);
  return fields.slice(11, isFirst ? 15 : 13).reduce((sum, ticks) => sum + Number(ticks), 0) / ticksPerSecond;
}

/** The server that a backend belongs to; undefined when it runs elsewhere. */
export async function postmasterOf(backend: number): Promise<number | undefined> {
  const name = await readFile(`/proc/${backend}/comm`, 'utf8').catch(() => ''); // not on this machine
  return name.startsWith('postgres') ? Number((await statOf(backend))[1]) : undefined;
}

/** Of each process with all that descend from it. */
export async function footprints(pids: Readonly<Record<string, number>>): Promise<Footprints> {
  const trees = await processTrees(Object.values(pids));
  const entries = Object.entries(pids).map(async ([name, root], index) => {
    const tree = trees[index] ?? [];
    const sizes = await Promise.all(tree.map(({ pid }) => pssOf(pid)));
    const times = await Promise.all(tree.map(({ pid }) => cpuSecondsOf(pid, pid === root)));
    const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
    return [name, { pssMb: megabytes(sum(sizes)), cpuSeconds: sum(times) }] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

/** Everything but agents and members. */
export const isControlPlane = (name: string): boolean => !name.startsWith('agent ');

export const controlPlaneMb = (all: Footprints): number =>
  Object.entries(all).reduce((sum, [name, { pssMb }]) => (isControlPlane(name) ? sum + pssMb : sum), 0);

/**
 * Keeps the highest of each and of the control plane as a whole. A look takes tens of milliseconds of a core and holds up
 * who is looked at, so there is none while single calls are timed, and few in bulk.
 */
export class PeakWatch {
  readonly peaks = new Map<string, number>();
  controlPlaneMb = 0;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();

  constructor(private readonly pids: Readonly<Record<string, number>>) {}

  /** Again and again, until it is stopped. */
  start(everyMs: number): void {
    let isLooking = false;
    this.#timer = setInterval(() => {
      if (isLooking) return;
      isLooking = true;
      this.#looking = this.look().finally(() => {
        isLooking = false;
      });
    }, everyMs);
  }

  async look(): Promise<void> {
    const now = await footprints(this.pids);
    for (const [name, { pssMb }] of Object.entries(now))
      this.peaks.set(name, Math.max(pssMb, this.peaks.get(name) ?? 0));
    this.controlPlaneMb = Math.max(this.controlPlaneMb, controlPlaneMb(now));
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }
}
