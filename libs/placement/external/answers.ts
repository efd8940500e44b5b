import type { ClusterId, PluginAnswer } from '#domain';
import type { Snapshot } from '../fleet/snapshot.js';
import type { ExternalAnswers, GroupRequest } from '../request.js';
import type { EnginePlugin } from './plugins.js';

/** What an answer may be: records keep it whole. */
export const limits = {
  /** Different ones; the engine may add one of its own. */
  reasons: 15,
  /** Characters of a reason, of a version and of a failure. */
  text: 120,
  score: 1000,
} as const;

/** Of a cluster that nobody knew when the plug-in was asked. */
const unasked = 'was not asked about this cluster';

const isWhole = (value: number, most: number): boolean => Number.isInteger(value) && value >= 0 && value <= most;

function columnFault(
  column: ArrayLike<number>,
  clusters: readonly ClusterId[],
  most: number,
  what: string,
): string | undefined {
  if (column.length !== clusters.length) return `gave ${column.length} ${what}s for ${clusters.length} clusters`;
  for (let place = 0; place < column.length; place++) {
    const value = column[place] ?? Number.NaN;
    if (!isWhole(value, most)) return `gave ${clusters[place]} the ${what} ${value}; allowed are 0 to ${most}`;
  }
  return undefined;
}

/** What is wrong with an answer that should count, in words that fit behind the plug-in's name; undefined: nothing. */
export function faultOf(
  answer: PluginAnswer,
  { version, filter, score }: EnginePlugin,
  clusters: readonly ClusterId[],
): string | undefined {
  const { reasons, verdicts, scores } = answer;
  if (version !== '' && answer.version !== version)
    return `answers as version ${answer.version || '(none)'}; configured is ${version}`;
  if (filter !== undefined) {
    if (verdicts === undefined) return 'does not say which clusters it admits';
    if (reasons.length > limits.reasons + 1)
      return `gave ${reasons.length} different reasons; ${limits.reasons} are allowed`;
    const long = reasons.find(({ length }) => length === 0 || length > limits.text);
    if (long !== undefined) return `gave a reason of ${long.length} characters; allowed are 1 to ${limits.text}`;
    const fault = columnFault(verdicts, clusters, reasons.length, 'verdict');
    if (fault !== undefined) return fault;
  }
  if (score === undefined) return undefined;
  if (scores === undefined) return 'gave no scores';
  return columnFault(scores, clusters, limits.score, 'score');
}

const cut = (text: string): string => (text.length <= limits.text ? text : `${text.slice(0, limits.text - 1)}…`);

/** The operator's defaults in the place of an answer. */
function defaultOf({ name, filter, score }: EnginePlugin, version: string, why: string, count: number): PluginAnswer {
  const failure = cut(why);
  const refuses = filter?.onFailure === 'refuse';
  return {
    plugin: name,
    version: cut(version),
    failure,
    reasons: refuses ? [failure] : [],
    verdicts: filter === undefined ? undefined : new Uint8Array(count).fill(refuses ? 1 : 0),
    scores: score === undefined ? undefined : new Int16Array(count).fill(score.onFailure),
  };
}

/** An answer about other clusters than there are now: those that it knows keep their places, the others get the default. */
function realigned(answer: PluginAnswer, plugin: EnginePlugin, asked: readonly ClusterId[], ids: readonly ClusterId[]) {
  const places = new Map(asked.map((id, place) => [id, place]));
  const refuses = plugin.filter?.onFailure === 'refuse' && ids.some((id) => !places.has(id));
  const reasons = refuses ? [...answer.reasons, unasked] : answer.reasons;
  const otherwise = refuses ? reasons.length : 0;
  const read = (column: ArrayLike<number> | undefined, fallback: number): ((id: ClusterId) => number) => {
    return (id) => column?.[places.get(id) ?? -1] ?? fallback;
  };
  const { verdicts, scores } = answer;
  return {
    ...answer,
    reasons,
    verdicts: verdicts && Uint8Array.from(ids, read(verdicts, otherwise)),
    scores: scores && Int16Array.from(ids, read(scores, plugin.score?.onFailure ?? 0)),
  };
}

function answerOf(external: ExternalAnswers | undefined, plugin: EnginePlugin, ids: readonly ClusterId[]) {
  const found = external?.answers.find((answer) => answer.plugin === plugin.name);
  if (external === undefined || found === undefined) return defaultOf(plugin, '', 'was not asked', ids.length);
  const { filter, score } = plugin;
  const failure = found.failure ?? faultOf(found, plugin, external.clusters);
  if (failure !== undefined) return defaultOf(plugin, found.version, failure, ids.length);
  const counted: PluginAnswer = {
    ...found,
    version: cut(found.version),
    reasons: filter === undefined ? [] : found.reasons,
    verdicts: filter === undefined ? undefined : found.verdicts,
    scores: score === undefined ? undefined : found.scores,
  };
  return external.clusters === ids ? counted : realigned(counted, plugin, external.clusters, ids);
}

/**
 * The groups with one answer of each plug-in, in the order of the plug-ins and of the snapshot's clusters: what is
 * missing, failed or nonsense is replaced by the operator's default, and says so.
 */
export function answered(
  groups: readonly GroupRequest[],
  { ids }: Snapshot,
  plugins: readonly EnginePlugin[] | undefined,
): readonly GroupRequest[] {
  if (plugins === undefined) return groups;
  return groups.map((group) => ({
    ...group,
    external: { clusters: ids, answers: plugins.map((plugin) => answerOf(group.external, plugin, ids)) },
  }));
}
