import type { JsonValue, PluginAnswer } from '#domain';
import { admit, admitHeld, type ClusterFilter, type ClusterScorer, type FleetChange, refuse } from '../plugin.js';
import type { GroupRequest } from '../request.js';

/** A plug-in from outside as the engine knows it: it reads what was answered before, and never asks. */
export interface EnginePlugin {
  /** Its filter and its scorer are named so. */
  name: string;
  /** The only one whose answers count; empty: any. */
  version: string;
  /** Absent when it does not filter. */
  filter?: PluginFilter | undefined;
  /** Absent when it does not score. */
  score?: PluginScore | undefined;
}

export interface PluginFilter {
  /** What becomes of every cluster while it gives no answer. */
  onFailure: 'admit' | 'refuse';
  /** Changes of the fleet after which it may say otherwise, besides `plugin.answers`. */
  wakeOn: readonly FleetChange[];
}

export interface PluginScore {
  weight: number;
  /** 0 to 1000: every cluster's while it gives no answer. */
  onFailure: number;
}

/** All of it that decisions depend on. */
export const contentOf = ({ name, version, filter, score }: EnginePlugin): JsonValue => ({
  name,
  version,
  ...(filter === undefined ? {} : { filter: { onFailure: filter.onFailure, wakeOn: [...filter.wakeOn] } }),
  ...(score === undefined ? {} : { score: { weight: score.weight, onFailure: score.onFailure } }),
});

/** By place: answers are in the order of the policy's plug-ins once a group is about to be decided. */
const answerAt = ({ external }: GroupRequest, at: number): PluginAnswer | undefined => external?.answers[at];

/** None or one. What a cluster holds stays there, whatever a plug-in says: it gets nothing new. */
export function externalFilter({ name, filter }: EnginePlugin, at: number): ClusterFilter[] {
  if (filter === undefined) return [];
  return [
    {
      name,
      wakeOn: [...filter.wakeOn, 'plugin.answers'],
      glance: ({ group }, certain, from, to) => {
        const verdicts = answerAt(group, at)?.verdicts;
        for (let place = from; place < to; place++) certain[place] = verdicts?.[place] === 0 ? 1 : 0;
      },
      admits: ({ group, snapshot, slot, holds }) => {
        const answer = answerAt(group, at);
        const verdict = answer?.verdicts?.[snapshot.placeOf(slot)] ?? 0;
        if (verdict === 0) return admit;
        if (holds) return admitHeld;
        const why = answer?.reasons[verdict - 1] ?? '';
        return refuse(answer?.failure === undefined ? 'PluginRefused' : 'PluginFailed', { plugin: name, why });
      },
    },
  ];
}

/** None or one. */
export function externalScorer({ name, score }: EnginePlugin, at: number): ClusterScorer[] {
  if (score === undefined) return [];
  return [
    {
      name,
      weight: score.weight,
      scoreAll: ({ group }, scores, from, to) => {
        const said = answerAt(group, at)?.scores;
        for (let place = from; place < to; place++) scores[place] = said?.[place] ?? 0;
      },
      score: ({ group, snapshot, slot }) => answerAt(group, at)?.scores?.[snapshot.placeOf(slot)] ?? 0,
    },
  ];
}
