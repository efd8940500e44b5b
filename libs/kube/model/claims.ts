import type { Component, JsonObject } from '#domain';
import { objectAt, objectsAt, textAt } from './json.js';

/** What a component's volumes ask of a cluster. */
export interface ClaimedStorage {
  /** Storage classes by name, each once, in order; '' stands for the cluster's default. */
  classes: readonly string[];
  /** It has volumes that outlive its pods: where they are, its data is. */
  keepsData: boolean;
}

/** Undefined where no volume has to be made: it names one that exists, or asks for no class. */
function classOf(claim: JsonObject | undefined): string | undefined {
  if (claim === undefined || textAt(claim, 'volumeName')) return undefined;
  const name = textAt(claim, 'storageClassName');
  return name === '' ? undefined : (name ?? '');
}

/** Claims that outlive pods (a StatefulSet's templates, claims among its objects), and those that go with them. */
export function claimedStorage({ workloadExtra: { spec, podSpec }, objects }: Component): ClaimedStorage {
  const lasting = [
    ...objectsAt(spec, 'volumeClaimTemplates'),
    ...objects.filter(({ kind, apiVersion }) => kind === 'PersistentVolumeClaim' && apiVersion === 'v1'),
  ];
  const passing = objectsAt(podSpec, 'volumes').map((volume) =>
    objectAt(objectAt(volume, 'ephemeral'), 'volumeClaimTemplate'),
  );
  const classes = [...lasting, ...passing].map((claim) => classOf(objectAt(claim, 'spec')));
  return {
    classes: [...new Set(classes.filter((name) => name !== undefined))].sort(),
    keepsData: lasting.length > 0,
  };
}
