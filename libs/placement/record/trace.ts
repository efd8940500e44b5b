import type { ClusterId, ComponentName, PluginAnswer, Refusal } from '#domain';
import type { Remembered } from '../remembered.js';

/**
 * What was considered for one group, in columns by the clusters' places in `ids`. Packed before the decision is handed
 * out: the columns are the engine's own, and written anew by the next.
 */
export interface GroupTrace {
  components: readonly ComponentName[];
  ids: readonly ClusterId[];
  /** The place of the filter that refused, in the policy's list; −1 when all admitted. */
  refusedBy: Int16Array;
  /** Places of the clusters that all filters admitted. */
  admitted: Int32Array;
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
