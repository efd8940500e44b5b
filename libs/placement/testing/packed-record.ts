import type { DecisionRecord, GroupDecision } from '#domain';
import { packTraces } from '../record/pack.js';
import type { GroupTrace } from '../record/trace.js';

/** A record that no engine made, as the store keeps one: turned back into columns. */
export function packRecord(record: DecisionRecord): Uint8Array {
  const verdicts = record.groups.flatMap(({ clusters }) => clusters);
  const names = [...new Set(verdicts.flatMap(({ filter }) => filter ?? []))];
  const scores = verdicts.find((each) => each.outcome !== 'refused')?.scores ?? [];
  const policy = {
    filters: names.map((name) => ({ name })),
    scorers: scores.map(({ scorer, weight }) => ({ name: scorer, weight })),
  };
  const roster = record.groups[0]?.clusters.map(({ cluster }) => cluster) ?? [];
  const traces = record.groups.map((group) => traceOf(group, names, scores.length, roster));
  return packTraces(record, traces, policy);
}

function traceOf(
  group: GroupDecision,
  names: readonly string[],
  scorers: number,
  roster: readonly string[],
): GroupTrace {
  const { clusters, components, refusal, division } = group;
  const own = clusters.map(({ cluster }) => cluster);
  return {
    ...{ components, refusal, division, plugins: group.plugins },
    ids: own.length === roster.length && own.every((id, at) => id === roster[at]) ? roster : own,
    refusedBy: Int16Array.from(clusters, ({ filter }) => (filter === undefined ? -1 : names.indexOf(filter))),
    admitted: Int32Array.from(clusters.flatMap(({ outcome }, place) => (outcome === 'refused' ? [] : [place]))),
    remembered: { refusedBy: new Int16Array(0), admitted: new Int32Array(0), refusals: [] },
    refusals: new Map(clusters.flatMap(({ refusal: why }, place) => (why === undefined ? [] : [[place, why]]))),
    scores: Array.from({ length: scorers }, (_, at) =>
      Int16Array.from(clusters, (each) => each.scores[at]?.score ?? 0),
    ),
    chosen: clusters.flatMap(({ outcome, allotments }, place) =>
      outcome === 'chosen' ? [{ place, replicas: components.map((name) => allotments[name] ?? 0) }] : [],
    ),
  };
}
