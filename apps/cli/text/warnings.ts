import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { wire } from '#contract';
import { age, idOf } from './figures.js';
import type { Look } from './look.js';
import { table } from './table.js';

const mostShown = 10;
const longestMessage = 110;

/** What a cluster wrote, on one line, cut, and without anything that moves a terminal's cursor. */
export function oneLine(text: string, most = longestMessage): string {
  const line = text.replace(/[\p{Cc}\s]+/gu, ' ').trim();
  return line.length > most ? `${line.slice(0, most - 1)}…` : line;
}

/** What the clusters warn of, newest first; nothing when all is quiet. */
export function warningLines(state: wire.EnvironmentStatus, look: Look): string[] {
  const warnings = state.components.flatMap(({ component, clusters }) =>
    clusters.flatMap((at) => at.events.map((event) => ({ component, cluster: idOf(at.cluster), event }))),
  );
  if (warnings.length === 0) return [];
  const lastMs = ({ event }: (typeof warnings)[number]) =>
    event.lastTime === undefined ? 0 : timestampMs(event.lastTime);
  const newest = warnings.sort((a, b) => lastMs(b) - lastMs(a)).slice(0, mostShown);
  const rows = newest.map(({ component, cluster, event }) => [
    age(event.lastTime, look.now),
    `${event.count}×`,
    component,
    cluster,
    oneLine(`${event.object?.kind ?? ''} ${event.object?.name ?? ''}`),
    look.palette.yellow(oneLine(event.reason)),
    oneLine(event.message),
  ]);
  const left = warnings.length - newest.length;
  return [
    '',
    ...table(['WARNED', 'COUNT', 'COMPONENT', 'CLUSTER', 'OBJECT', 'REASON', 'MESSAGE'], rows, look.palette),
    ...(left === 0 ? [] : [look.palette.dim(`and ${left} more; -o yaml shows all`)]),
  ];
}
