import { addResources, anywhere, noResources, type Resources, seededChance } from '#domain';
import { applyDecision, decide, type PlacementRequest, Snapshot } from '#placement';
import { DeviceSums } from './device-sums.js';
import type { TraceCluster } from './fleets.js';
import type { TracePod } from './input.js';
import { classesOf, requestsOf, stateOf } from './inventory.js';
import { MemberCluster } from './member.js';
import { type RunFigures, Tally } from './tally.js';

/**
 * What the engine knows of the members: `classes`, as their agents send them; `sums` of all their nodes; `exact`, where
 * each member is asked whether it could start the pod.
 */
export type Sight = 'classes' | 'sums' | 'exact';

export type TracePolicy = 'headroom' | 'packing';

export interface RunOptions {
  clusters: readonly TraceCluster[];
  arrivals: readonly TracePod[];
  /** Arrivals from one inventory to the next; `exact` needs none. */
  refresh: number;
  policy: TracePolicy;
  sight: Sight;
  seed: number;
}

interface Member {
  cluster: TraceCluster;
  member: MemberCluster;
  /** What it was given, started or not. */
  reserved: Resources;
  sums: DeviceSums;
  version: number;
  /** Something was sent there since its last inventory. */
  changed: boolean;
}

/**
 * Sends pods one by one where the engine says, and lets the members start them. A pod that its cluster cannot start
 * stays pending there for good and keeps what was reserved for it; one that was refused does not come again.
 */
export function runTrace(options: RunOptions): RunFigures {
  const run = new Run(options);
  for (const [index, pod] of options.arrivals.entries()) run.arrive(index, pod);
  return run.tally.figures();
}

/** One cluster with all nodes, which starts what it can: the mark that the final allocation is held against. */
export function runSingle({ clusters, arrivals, seed }: RunOptions): RunFigures {
  const nodes = clusters.flatMap((cluster) => cluster.nodes);
  const member = new MemberCluster(nodes, memberChance(seed, singleIndex));
  const tally = new Tally(arrivals.length);
  for (const pod of arrivals) tally.note(pod, member.start(pod) === undefined ? 'rightlyRefused' : 'started');
  return tally.figures();
}

/** Each member draws from its own chance. */
const singleIndex = 1000;
const memberChance = (seed: number, index: number) => seededChance(seed * 7919 + index);

class Run {
  readonly tally: Tally;
  readonly #options: RunOptions;
  readonly #snapshot = new Snapshot();
  readonly #members: readonly Member[];
  readonly #byId: ReadonlyMap<string, Member>;

  constructor(options: RunOptions) {
    this.#options = options;
    this.tally = new Tally(options.arrivals.length);
    this.#members = options.clusters.map((cluster, index) => ({
      cluster,
      member: new MemberCluster(cluster.nodes, memberChance(options.seed, index)),
      reserved: noResources,
      sums: new DeviceSums(cluster.nodes),
      version: 0,
      changed: true,
    }));
    this.#byId = new Map(this.#members.map((each) => [each.cluster.id, each]));
  }

  arrive(index: number, pod: TracePod): void {
    const { refresh, sight } = this.#options;
    if (sight === 'exact' || index % refresh === 0) this.#refresh();
    const chosen = this.#decide(pod);
    if (chosen === undefined) {
      this.tally.note(pod, this.#startable(pod) ? 'wronglyRefused' : 'rightlyRefused');
      return;
    }
    chosen.reserved = addResources(chosen.reserved, requestsOf(pod));
    chosen.changed = true;
    if (chosen.member.start(pod) !== undefined) this.tally.note(pod, 'started');
    else this.tally.note(pod, this.#startable(pod) ? 'misplaced' : 'hopeless');
  }

  /** The agents whose clusters changed send their inventories. */
  #refresh(): void {
    for (const each of this.#members) {
      if (!each.changed) continue;
      each.changed = false;
      each.version += 1;
      const classes = this.#options.sight === 'classes' ? classesOf(each.member) : [];
      this.#snapshot.upsert(stateOf(each.cluster, each.reserved, classes, each.version));
    }
  }

  #decide(pod: TracePod): Member | undefined {
    const { sight, policy } = this.#options;
    const allowed = sight === 'classes' ? [] : this.#allowed(pod);
    if (sight !== 'classes' && allowed.length === 0) return undefined;
    const decision = decide(requestFor(pod, policy, allowed), this.#snapshot);
    applyDecision(this.#snapshot, decision);
    const chosen = this.#byId.get(decision.allotments[0]?.cluster ?? '');
    chosen?.sums.take(pod);
    return chosen;
  }

  /** Clusters that the engine may choose from where it sees no classes. */
  #allowed(pod: TracePod): string[] {
    const { sight } = this.#options;
    return this.#members
      .filter(({ member, sums }) => (sight === 'exact' ? member.canStart(pod) : sums.takes(pod)))
      .map(({ cluster }) => cluster.id);
  }

  #startable(pod: TracePod): boolean {
    return this.#members.some(({ member }) => member.canStart(pod));
  }
}

function requestFor(pod: TracePod, policy: TracePolicy, clusters: string[]): PlacementRequest {
  const { name, devices: count, deviceMilli: milli, models } = pod;
  const devices = count === 0 ? {} : { devices: { count, milli, models } };
  const component = { name: 'pod', kind: 'service', replicas: 1, perReplica: requestsOf(pod), ...devices } as const;
  const division = policy === 'packing' ? 'packed' : 'divided';
  const groups = [{ components: [component], policy: { ...anywhere, division, strategy: policy, clusters } }] as const;
  return { tenant: 'trace', application: name, environment: 'default', groups };
}
