import type { wire } from '#contract';
import { UsageError } from '../failure.js';

/** Changes to labels, as `team=web` to set and `team-` to take away. */
export function changedLabels(
  labels: Readonly<Record<string, string>>,
  changes: readonly string[],
): Record<string, string> {
  const changed = { ...labels };
  for (const change of changes) {
    const set = /^([^=]+)=(.*)$/.exec(change);
    const gone = /^([^=]+)-$/.exec(change);
    if (set?.[1] !== undefined) changed[set[1]] = set[2] ?? '';
    else if (gone?.[1] !== undefined) delete changed[gone[1]];
    else throw new UsageError(`"${change}" is no change of a label; allowed are key=value, and key- to take it away`);
  }
  return changed;
}

export type TaintFields = Pick<wire.Taint, 'key' | 'value' | 'effect'>;

const taintForm = /^([^=:]+)(?:=([^:]*))?:(NoSchedule|PreferNoSchedule|NoExecute)$/;
const taintGone = /^([^=:]+)(?::(NoSchedule|PreferNoSchedule|NoExecute))?-$/;
const taintHelp = 'key=value:NoSchedule (or PreferNoSchedule, NoExecute), and key- or key:NoSchedule- to take it away';

/** Changes to taints as kubectl writes them. One of the same key and effect is replaced. */
export function changedTaints(taints: readonly TaintFields[], changes: readonly string[]): TaintFields[] {
  let changed = taints.map(({ key, value, effect }) => ({ key, value, effect }));
  for (const change of changes) {
    const set = taintForm.exec(change);
    const gone = taintGone.exec(change);
    if (set?.[1] !== undefined && set[3] !== undefined) {
      const taint = { key: set[1], value: set[2] ?? '', effect: set[3] };
      changed = [...changed.filter(({ key, effect }) => key !== taint.key || effect !== taint.effect), taint];
    } else if (gone?.[1] !== undefined) {
      changed = changed.filter(({ key, effect }) => key !== gone[1] || (gone[2] !== undefined && effect !== gone[2]));
    } else throw new UsageError(`"${change}" is no change of a taint; allowed are ${taintHelp}`);
  }
  return changed;
}
