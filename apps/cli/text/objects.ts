import type { wire } from '#contract';
import { idOf } from './figures.js';
import type { Look } from './look.js';
import { table } from './table.js';
import { oneLine } from './warnings.js';

interface Placed {
  component: string;
  cluster: string;
  object: wire.ObjectStatus;
}

const objectsOf = (state: wire.EnvironmentStatus): Placed[] =>
  state.components.flatMap(({ component, clusters }) =>
    clusters.flatMap((at) => at.objects.map((object) => ({ component, cluster: idOf(at.cluster), object }))),
  );

/** Every object in every member, as the members give them. */
export function objectTable(application: wire.Application, look: Look): string[] {
  const rows = application.environments
    .flatMap(objectsOf)
    .map(({ component, cluster, object }) => [
      cluster,
      component,
      object.kind,
      object.namespace,
      object.name,
      object.uid,
      object.resourceVersion,
    ]);
  if (rows.length === 0) return ['no objects reported'];
  return table(['CLUSTER', 'COMPONENT', 'KIND', 'NAMESPACE', 'NAME', 'UID', 'RESOURCE VERSION'], rows, look.palette);
}

/** How each object is, in the few words that it has. */
export function summaryLines(state: wire.EnvironmentStatus, look: Look): string[] {
  const rows = objectsOf(state).map(({ component, cluster, object }) => [
    component,
    cluster,
    object.kind,
    object.name,
    object.ready ? look.palette.green('yes') : look.palette.yellow('no'),
    [oneLine(object.summary), object.adopted ? 'adopted' : ''].filter((text) => text !== '').join(', ') || '-',
  ]);
  if (rows.length === 0) return [];
  return ['', ...table(['COMPONENT', 'CLUSTER', 'KIND', 'NAME', 'READY', 'STATUS'], rows, look.palette)];
}
