import type { Millis } from '#domain';
import { crowd, heal, raiseTrouble } from './faults.js';
import { discords, orphansIn } from './harmony.js';
import { Broken } from './witness.js';
import { clusters, World } from './world.js';

export interface Run {
  seed: number;
  /** Undefined when every promise was kept. */
  broken: string | undefined;
  /** The last that happened. */
  trace: readonly string[];
  /** Equal for equal runs. */
  digest: string;
  steps: number;
  simulatedMs: Millis;
  deletions: number;
  /** Epochs granted. */
  epochs: number;
  orphans: number;
  /** Requests of an older agent that arrived after a newer one's. */
  lateRequests: number;
  /** Applies that were answered when something else was in their place already. */
  overtaken: number;
}

/** Faults for so long. */
const troubleMs: Millis = 150_000;
const crowdedMs: Millis = 20_000;
/** Then everything is in step again within this; the longest pause that an agent makes between tries is 60 s. */
const healedWithinMs: Millis = 180_000;
const reapEveryMs: Millis = 1_000;

/** One run of a world: trouble, then peace; every promise is looked after at every step. */
export async function simulate(seed: number): Promise<Run> {
  const world = new World(seed);
  const began = world.time.now();
  let steps = 0;
  let broken: string | undefined;
  const elapsed = () => world.time.now() - began;
  const until = async (deadline: Millis, isDone: () => boolean) => {
    while (elapsed() < deadline && !isDone()) {
      await world.step();
      steps += 1;
    }
  };
  const reap = (): void => {
    for (const done of world.scheduler.reap()) world.note('scheduler', done);
    world.time.after(reapEveryMs, reap);
  };
  world.time.after(reapEveryMs, reap);
  raiseTrouble(world, () => elapsed() >= troubleMs);
  try {
    await until(troubleMs - crowdedMs, () => false);
    crowd(world);
    await until(troubleMs, () => false);
    heal(world);
    await until(troubleMs + healedWithinMs, () => steps % 50 === 0 && discords(world).length === 0);
    const left = discords(world);
    if (left.length > 0)
      broken = `not in step ${healedWithinMs / 1000} s after everything was healed:\n${left.join('\n')}`;
  } catch (error) {
    broken = briefly(error);
  }
  world.end();
  const { trace, store, members } = world;
  return {
    ...{ seed, broken, steps, trace: trace.last, digest: trace.digest(), simulatedMs: elapsed() },
    deletions: [...members.values()].flatMap(({ deletions }) => deletions.filter(({ by }) => by === 'berth')).length,
    lateRequests: world.lateRequests,
    overtaken: [...members.values()].reduce((sum, member) => sum + member.overtaken, 0),
    orphans: clusters.reduce((sum, cluster) => sum + orphansIn(world, cluster).length, 0),
    epochs: [...store.agents.values()].reduce((sum, { epoch }) => sum + Number(epoch), 0),
  };
}

/** A defect needs its place; a broken promise does not, and reads the same wherever the run was started. */
const briefly = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  return error instanceof Broken ? error.message : (error.stack ?? error.message);
};
