import type { TombstoneMode } from '#domain';
import type { placementStore } from '#store';

type DroppedObject = placementStore.DroppedObject;

/** What is to be done about an object that its work has dropped. */
export interface ReapingSteps {
  /** Seen in the cluster: order its deletion, by uid; or, where it was there before Berth, that it be let go. */
  bury: readonly Burial[];
  /** Confirmed gone, or another work answers for it. */
  forget: readonly DroppedObject[];
}

export interface Burial extends DroppedObject {
  uid: string;
  mode: TombstoneMode;
}

const hasUid = (object: DroppedObject): object is DroppedObject & { uid: string } => object.uid !== undefined;

/**
 * Pure. Absence is no order: an object is buried only when its agent lists it with a uid after the drop, and forgotten only
 * when its agent no longer lists it, or has confirmed its tombstone. A namespace goes with the last work that answers for it,
 * after everything else of that work.
 */
export function reapingSteps(dropped: readonly DroppedObject[]): ReapingSteps {
  const bury: Burial[] = [];
  const forget: DroppedObject[] = [];
  const holders = new Map<string, number>();
  for (const object of dropped) {
    if (object.restLeft) continue;
    if (object.kind === 'Namespace') {
      const key = `${object.cluster}/${object.name}`;
      const left = holders.get(key) ?? object.holders;
      if (left > 1) {
        holders.set(key, left - 1);
        forget.push(object);
        continue;
      }
    }
    if (!hasUid(object) || object.tombstone === 'confirmed') forget.push(object);
    else if (object.tombstone === 'none') bury.push({ ...object, mode: object.adopted ? 'let-go' : 'delete' });
  }
  return { bury, forget };
}
