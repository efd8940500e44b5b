import { berthAnnotations, type Instant, isJsonObject, type JsonObject, type JsonValue } from '#domain';
import { at, numberAt, textsAt } from '../client/objects.js';
import { type FieldPath, pathText, valueAt, withoutFields } from '../ownership/field-path.js';
import { lostFields } from '../ownership/lost-fields.js';
import { type FieldHolder, holdersOf, othersFields, ownedFields, owns } from '../ownership/managed-fields.js';

/** A field that Berth ordered and that somebody else has changed or removed since. */
export interface LostField {
  /** `.spec.replicas` */
  path: string;
  /** Who has it now; empty: it was removed, or nobody has said. */
  holders: readonly FieldHolder[];
}

/** Where Berth's hold on an object is not what one would expect. */
export interface Hold {
  lost: readonly LostField[];
  /** Fields that were left to others for good. */
  yielded: readonly FieldPath[];
  /** An autoscaler says how many replicas there are. */
  isAutoscaled: boolean;
  /** Berth still has `spec.replicas`, although it orders no number any more. */
  hasSpareReplicas: boolean;
  /** What Berth has of it, as JSON, while nobody has said what was ordered. */
  uncompared: string | undefined;
}

export const replicasPath: FieldPath = ['f:spec', 'f:replicas'];

/** What is ordered, with its stamp. */
export interface WholeOrder {
  manifest: JsonObject;
  /** Fields that were left to others are ordered again. */
  reclaims?: boolean | undefined;
}

/** What Berth is to have of an object. */
const comparable = ({ manifest, reclaims = false }: WholeOrder, yielded: readonly FieldPath[]): JsonObject =>
  reclaims ? manifest : withoutFields(manifest, yielded);

/** The paths in the annotation; an annotation that somebody has broken names none. */
export function yieldedOf(annotation: string | undefined): FieldPath[] {
  if (annotation === undefined || annotation === '') return [];
  let parsed: JsonValue;
  try {
    parsed = JSON.parse(annotation);
  } catch {
    return []; // then the fields are taken back as drift
  }
  if (!Array.isArray(parsed)) return [];
  return parsed.filter(
    (path): path is string[] => Array.isArray(path) && path.every((segment) => typeof segment === 'string'),
  );
}

/** Compares what was ordered (as applied) with what Berth still has of the live object. */
export function lostOf(object: JsonObject, ordered: JsonObject): { segments: FieldPath; lost: LostField }[] {
  const owned = ownedFields(object) ?? {};
  const others = othersFields(object);
  const lost = lostFields(ordered, owned, others).map((segments) => ({
    segments,
    lost: { path: pathText(segments), holders: holdersOf(object, segments) },
  }));
  return [...lost, ...rescaled(object, ordered, owned)];
}

/** Before Kubernetes 1.21 the scale subresource changed the number and left the owners as they were. */
function rescaled(object: JsonObject, ordered: JsonObject, owned: JsonObject) {
  const wanted = numberAt(ordered, 'spec', 'replicas');
  const found = numberAt(object, 'spec', 'replicas');
  if (wanted === undefined || found === undefined || wanted === found || !owns(owned, replicasPath)) return [];
  return [{ segments: replicasPath, lost: { path: pathText(replicasPath), holders: [] } }];
}

/**
 * What there is to say of Berth's hold on a live object; undefined when all is as expected, as it mostly is: nothing is
 * kept then. `ordered` is what was applied under the digest that the object carries; undefined while nobody knows.
 */
export function holdOf(object: JsonObject, ordered: WholeOrder | undefined): Hold | undefined {
  const annotations = textsAt(object, 'metadata', 'annotations');
  const yielded = yieldedOf(annotations[berthAnnotations.yielded]);
  const isAutoscaled = annotations[berthAnnotations.replicas] === 'autoscaler';
  const owned = ownedFields(object);
  if (ordered === undefined) {
    const uncompared = JSON.stringify(owned ?? {});
    return { lost: [], yielded, isAutoscaled, hasSpareReplicas: false, uncompared };
  }
  const lost = lostOf(object, comparable(ordered, yielded)).map((each) => each.lost);
  const hasSpareReplicas = isSpare(owned, ordered.manifest);
  if (lost.length === 0 && yielded.length === 0 && !isAutoscaled && !hasSpareReplicas) return undefined;
  return { lost, yielded, isAutoscaled, hasSpareReplicas, uncompared: undefined };
}

const isSpare = (owned: JsonObject | undefined, ordered: JsonObject): boolean =>
  valueAt(ordered, replicasPath) === undefined && owns(owned, replicasPath);

/** The same, later, of an object of which only Berth's fields were kept. */
export function comparedHold(hold: Hold, ordered: WholeOrder): Hold | undefined {
  const owned: unknown = JSON.parse(hold.uncompared ?? '{}');
  const fields = isJsonObject(owned) ? owned : {};
  const lost = lostFields(comparable(ordered, hold.yielded), fields).map((segments) => ({
    path: pathText(segments),
    holders: [],
  }));
  const hasSpareReplicas = isSpare(fields, ordered.manifest);
  if (lost.length === 0 && hold.yielded.length === 0 && !hold.isAutoscaled && !hasSpareReplicas) return undefined;
  return { ...hold, lost, hasSpareReplicas, uncompared: undefined };
}

/** When a field was last changed, as far as its holders tell. */
export const changedAt = (holders: readonly FieldHolder[]): Instant | undefined =>
  holders.reduce<Instant | undefined>((latest, { at: when }) => {
    if (when === undefined) return latest;
    return latest === undefined || when > latest ? when : latest;
  }, undefined);

/** The live number of replicas; undefined where there is none. */
export const replicasOf = (object: JsonObject): number | undefined => {
  const found = at(object, 'spec', 'replicas');
  return typeof found === 'number' ? found : undefined;
};
