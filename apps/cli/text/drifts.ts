import { wire } from '#contract';
import { age, idOf } from './figures.js';
import type { Look } from './look.js';
import { table } from './table.js';
import { oneLine } from './warnings.js';

const longestValue = 40;

const objectOf = (object: wire.ObjectReference | undefined): string =>
  oneLine(`${object?.kind ?? ''} ${object?.name ?? ''}`);
const value = (text: string): string => (text === '' ? '(none)' : oneLine(text, longestValue));

/** What the agent did about a drift; a dash when it does not say. What is adopted is no drift any more, and not here. */
const outcomes: Readonly<Record<number, string>> = {
  [wire.DriftOutcome.REPORTED]: 'reported',
  [wire.DriftOutcome.PUT_BACK]: 'put back',
  [wire.DriftOutcome.FOUGHT_OVER]: 'fought over',
  [wire.DriftOutcome.CONFLICT]: 'left, conflict',
};

/** Fields that are not as ordered, or lately were not: what was ordered, what was found, by whom, and how long ago. */
function driftRows(state: wire.EnvironmentStatus, look: Look): string[][] {
  return state.components.flatMap(({ component, clusters }) =>
    clusters.flatMap((at) =>
      at.drifts.map((drift) => [
        component,
        idOf(at.cluster),
        objectOf(drift.object),
        oneLine(drift.path),
        value(drift.ordered),
        look.palette.yellow(value(drift.found)),
        oneLine(drift.manager) || '-',
        drift.changeTime === undefined ? '-' : age(drift.changeTime, look.now),
        outcomes[drift.outcome] ?? '-',
      ]),
    ),
  );
}

/** Fields that were not written, since another manager applies them. */
function conflictRows(state: wire.EnvironmentStatus, look: Look): string[][] {
  return state.components.flatMap(({ component, clusters }) =>
    clusters.flatMap((at) =>
      at.conflicts.map((conflict) => [
        ...[component, idOf(at.cluster), objectOf(conflict.object), oneLine(conflict.path)],
        look.palette.red(oneLine(conflict.manager)),
      ]),
    ),
  );
}

/** Who else writes an environment's objects; nothing when nobody does. */
export function driftLines(state: wire.EnvironmentStatus, look: Look): string[] {
  const [drifts, conflicts] = [driftRows(state, look), conflictRows(state, look)];
  const driftHeads = ['DRIFTED', 'CLUSTER', 'OBJECT', 'FIELD', 'ORDERED', 'FOUND', 'BY', 'AGE', 'DONE'];
  const conflictHeads = ['CONFLICT', 'CLUSTER', 'OBJECT', 'FIELD', 'APPLIED BY'];
  return [
    ...(drifts.length === 0 ? [] : ['', ...table(driftHeads, drifts, look.palette)]),
    ...(conflicts.length === 0 ? [] : ['', ...table(conflictHeads, conflicts, look.palette)]),
  ];
}
