import { arrivalsOf, fleetOf, type TraceCluster } from './fleets.js';
import { readTrace, type Trace, type TracePod } from './input.js';
import { runSingle, runTrace, type Sight, type TracePolicy } from './run.js';
import type { RunFigures } from './tally.js';

/** One run: all arrivals of one order on one fleet. */
export interface TraceJob {
  /** Clusters that the nodes are split into; 1 is the mark: one cluster, no engine. */
  clusters: number;
  /** Arrivals from one inventory to the next. */
  refresh: number;
  policy: TracePolicy;
  sight: Sight;
  order: number;
}

export interface TraceFiles {
  nodes: string | undefined;
  pods: string | undefined;
  seed: number;
}

export interface Fleet {
  name: string;
  clusters: number;
}

export const fleets: readonly Fleet[] = [
  { name: 'fleet 1', clusters: 24 },
  { name: 'fleet 2', clusters: 4 },
];
export const refreshes: readonly number[] = [1, 100, 1000];
export const policies: readonly TracePolicy[] = ['headroom', 'packing'];

/**
 * Sums are judged by headroom alone; whoever sees exact nodes needs no refresh. An inventory of hundreds of nodes after
 * every arrival is half of all the work: few clusters get it in the first order only.
 */
export function allJobs(orders: number): TraceJob[] {
  const each = Array.from({ length: orders }, (_, order) => order);
  const single = { clusters: 1, refresh: 1, policy: 'headroom', sight: 'exact' } as const;
  return each.flatMap((order) => [
    { ...single, order },
    ...fleets.flatMap(({ clusters }) => [
      ...policies.map((policy) => ({ clusters, refresh: 1, policy, sight: 'exact', order }) as const),
      ...refreshes.map((refresh) => ({ clusters, refresh, policy: 'headroom', sight: 'sums', order }) as const),
      ...refreshes
        .filter((refresh) => refresh > 1 || order === 0 || clusters > fewClusters)
        .flatMap((refresh) =>
          policies.map((policy) => ({ clusters, refresh, policy, sight: 'classes', order }) as const),
        ),
    ]),
  ]);
}

const fewClusters = 4;

/** Runs jobs over one trace, which is read once. */
export class JobRunner {
  readonly #files: TraceFiles;
  readonly #trace: Trace;
  readonly #fleets = new Map<number, TraceCluster[]>();
  #arrivals: { order: number; pods: readonly TracePod[] } | undefined;

  constructor(files: TraceFiles) {
    this.#files = files;
    this.#trace = readTrace(files.nodes, files.pods);
  }

  run({ clusters: count, refresh, policy, sight, order }: TraceJob): RunFigures {
    const { seed } = this.#files;
    const clusters = this.#fleets.get(count) ?? fleetOf(this.#trace.nodes, count);
    this.#fleets.set(count, clusters);
    if (this.#arrivals?.order !== order) this.#arrivals = { order, pods: arrivalsOf(this.#trace, order, seed) };
    const options = { clusters, arrivals: this.#arrivals.pods, refresh, policy, sight, seed: seed * 100 + order };
    return count === 1 ? runSingle(options) : runTrace(options);
  }
}
