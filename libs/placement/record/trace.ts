import type { ClusterId, ClusterVerdict, ComponentName, GroupDecision, PluginAnswer, Refusal } from '#domain';
import type { EnginePolicy } from '../policy.js';
import type { Remembered } from '../remembered.js';
import { plainAnswers } from './answers.js';

/** What was considered for one group, in columns by the clusters' places in `ids`; expanded only when read. */
export interface GroupTrace {
  components: readonly ComponentName[];
  ids: readonly ClusterId[];
  /** The place of the filter that refused, in the policy's list; −1 when all admitted. */
  refusedBy: Int16Array;
  /** How many clusters all filters admitted. */
  admitted: number;
  /** Why, for refusals that `refusals` does not have. */
  remembered: Remembered;
  /** By place. */
  refusals: ReadonlyMap<number, Refusal>;
  /** One column per scorer; undefined where it did not apply: 0 for all. Of refused clusters they say nothing. */
  scores: readonly (Int16Array | undefined)[];
  /** Replicas of each component, in order of place; empty when the group was not placed. */
  chosen: readonly { place: number; replicas: readonly number[] }[];
  refusal: Refusal | undefined;
  division: readonly string[];
  /** What plug-ins from outside said, by the clusters' places; undefined where none are configured. */
  plugins?: readonly PluginAnswer[] | undefined;
}

export const refusalAt = ({ refusals, remembered }: GroupTrace, place: number): Refusal | undefined =>
  refusals.get(place) ?? remembered.refusals[place];

export function expandTrace(trace: GroupTrace, policy: EnginePolicy): GroupDecision {
  const { components, refusal, division, ids } = trace;
  const chosen = new Map(trace.chosen.map(({ place, replicas }) => [place, replicas]));
  const clusters = ids.map((cluster, place) =>
    verdictAt(trace, policy, { cluster, place, replicas: chosen.get(place) }),
  );
  const plugins = trace.plugins === undefined ? {} : { plugins: plainAnswers(trace.plugins) };
  return { components, placed: refusal === undefined, refusal, division, clusters, ...plugins };
}

interface Standing {
  cluster: ClusterId;
  place: number;
  replicas: readonly number[] | undefined;
}

function verdictAt(trace: GroupTrace, policy: EnginePolicy, { cluster, place, replicas }: Standing): ClusterVerdict {
  const refusedBy = trace.refusedBy[place] ?? -1;
  if (refusedBy >= 0) {
    const filter = policy.filters[refusedBy]?.name;
    const refusal = refusalAt(trace, place);
    return { cluster, outcome: 'refused', filter, refusal, scores: [], total: 0, allotments: {} };
  }
  const scores = policy.scorers.map(({ name, weight }, scorer) => ({
    scorer: name,
    score: trace.scores[scorer]?.[place] ?? 0,
    weight,
  }));
  return {
    cluster,
    outcome: replicas === undefined ? 'eligible' : 'chosen',
    filter: undefined,
    refusal: undefined,
    scores,
    total: scores.reduce((sum, { score, weight }) => sum + score * weight, 0),
    allotments:
      replicas === undefined ? {} : Object.fromEntries(trace.components.map((name, at) => [name, replicas[at] ?? 0])),
  };
}
