import { fieldsAt, type KubeObject } from '../objects.js';
import { resourceNamed } from '../resources.js';
import { type ControllerContext, reconcileEach, write, writeStatus } from './context.js';

const claims = resourceNamed('persistentvolumeclaims');

/** Binds every claim to a volume that exists in name only, as large as was asked. */
export function startStorage(context: ControllerContext): void {
  reconcileEach(context, claims, (claim) => bind(context, claim));
}

function bind(context: ControllerContext, claim: KubeObject): void {
  const spec = fieldsAt(claim, 'spec');
  if (claim.metadata.deletionTimestamp !== undefined || fieldsAt(claim, 'status').phase === 'Bound') return;
  const storageClassName = spec.storageClassName ?? 'hollow';
  const bound = write(context, {
    ...claim,
    spec: { ...spec, storageClassName, volumeName: `pvc-${claim.metadata.uid}` },
  });
  const capacity = fieldsAt(spec, 'resources', 'requests');
  writeStatus(context, bound, { phase: 'Bound', accessModes: spec.accessModes, capacity });
}
