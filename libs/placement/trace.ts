import type { ClusterId, ClusterVerdict, ComponentName, GroupDecision, Refusal } from '#domain';
import type { EnginePolicy } from './policy.js';

/** What was considered for one group, in columns by the clusters' places in `ids`; expanded only when read. */
export interface GroupTrace {
  components: readonly ComponentName[];
  ids: readonly ClusterId[];
  /** The place of the filter that refused, in the policy's list; −1 when all admitted. */
  refusedBy: Int16Array;
  refusals: readonly (Refusal | undefined)[];
  /** One column per scorer; undefined where it did not apply: 0 for all. */
  scores: readonly (Int16Array | undefined)[];
  totals: Float64Array;
  /** By cluster id; empty when the group was not placed. */
  allotments: ReadonlyMap<ClusterId, Readonly<Record<ComponentName, number>>>;
  refusal: Refusal | undefined;
  division: readonly string[];
}

export const expandTrace = (trace: GroupTrace, policy: EnginePolicy): GroupDecision => ({
  components: trace.components,
  placed: trace.refusal === undefined,
  refusal: trace.refusal,
  division: trace.division,
  clusters: trace.ids.map((cluster, at) => verdictAt(trace, policy, cluster, at)),
});

function verdictAt(trace: GroupTrace, policy: EnginePolicy, cluster: ClusterId, at: number): ClusterVerdict {
  const refusedBy = trace.refusedBy[at] ?? -1;
  if (refusedBy >= 0) {
    const filter = policy.filters[refusedBy]?.name;
    return { cluster, outcome: 'refused', filter, refusal: trace.refusals[at], scores: [], total: 0, allotments: {} };
  }
  const allotments = trace.allotments.get(cluster);
  return {
    cluster,
    outcome: allotments === undefined ? 'eligible' : 'chosen',
    filter: undefined,
    refusal: undefined,
    scores: policy.scorers.map(({ name, weight }, scorer) => ({
      scorer: name,
      score: trace.scores[scorer]?.[at] ?? 0,
      weight,
    })),
    total: trace.totals[at] ?? 0,
    allotments: allotments ?? {},
  };
}
