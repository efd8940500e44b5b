import { type Fields, fieldsAt, isFields, type KubeObject, type ObjectMeta } from '../objects.js';

/** Metadata that only the server writes. */
export function systemMeta(live: Omit<ObjectMeta, 'namespace'>): Omit<ObjectMeta, 'namespace'> {
  const { name, uid, creationTimestamp, resourceVersion, generation, deletionTimestamp, deletionGracePeriodSeconds } =
    live;
  return {
    name,
    uid,
    creationTimestamp,
    resourceVersion,
    ...(generation === undefined ? {} : { generation }),
    ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
    ...(deletionGracePeriodSeconds === undefined ? {} : { deletionGracePeriodSeconds }),
  };
}

export function withMetaOf(live: KubeObject, part: Fields): Fields {
  return part.metadata === undefined
    ? part
    : { ...part, metadata: { ...fieldsAt(part, 'metadata'), ...systemMeta(live.metadata) } };
}

export const omit = (fields: Fields, names: readonly string[]): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([name]) => !names.includes(name)));

/** `null` in an applied object says nothing. */
export function withoutNulls(value: Fields): Fields {
  const clean = (inner: unknown): unknown => {
    if (Array.isArray(inner)) return inner.map(clean);
    return isFields(inner) ? withoutNulls(inner) : inner;
  };
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => inner !== null && inner !== undefined)
      .map(([name, inner]) => [name, clean(inner)]),
  );
}
