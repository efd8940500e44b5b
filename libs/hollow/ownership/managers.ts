import { type KubeObject, type ManagedFieldsEntry, rfc3339 } from '../objects.js';
import type { TypeRef } from '../schema/schema.js';
import { ApiError, type StatusCause } from '../status.js';
import { difference, intersection, PathSet, pathText, sameSet, union } from './path-set.js';
import { type Changes, compare } from './typed.js';

export interface ManagerId {
  manager: string;
  operation: 'Apply' | 'Update';
  apiVersion: string;
  subresource?: string;
}

export interface Manager extends ManagerId {
  fields: PathSet;
  time?: string;
}

export function managersOf(object: KubeObject | undefined): Manager[] {
  return (object?.metadata.managedFields ?? []).map(
    ({ manager, operation, apiVersion, subresource, time, fieldsV1 }) => ({
      manager,
      operation,
      apiVersion,
      fields: PathSet.parse(fieldsV1),
      ...(time === undefined ? {} : { time }),
      ...(subresource === undefined ? {} : { subresource }),
    }),
  );
}

export const sameManager = (a: ManagerId, b: ManagerId): boolean =>
  a.manager === b.manager &&
  a.operation === b.operation &&
  a.apiVersion === b.apiVersion &&
  (a.subresource ?? '') === (b.subresource ?? '');

/** The metadata entries; an entry whose set did not change keeps its time. */
export function formatManagers(managers: readonly Manager[], before: readonly Manager[], nowMs: number) {
  const entries = managers
    .filter((manager) => !manager.fields.empty)
    .map((manager): ManagedFieldsEntry => {
      const old = before.find((candidate) => sameManager(candidate, manager));
      const kept = old?.time !== undefined && sameSet(old.fields, manager.fields) ? old.time : undefined;
      return {
        manager: manager.manager,
        operation: manager.operation,
        apiVersion: manager.apiVersion,
        time: kept ?? rfc3339(nowMs),
        fieldsType: 'FieldsV1',
        fieldsV1: manager.fields.format(),
        ...(manager.subresource === undefined ? {} : { subresource: manager.subresource }),
      };
    });
  return entries.sort(
    (a, b) =>
      a.operation.localeCompare(b.operation) ||
      (a.time ?? '').localeCompare(b.time ?? '') ||
      a.manager.localeCompare(b.manager),
  );
}

const metadataNobodyOwns = [
  'name',
  'namespace',
  'creationTimestamp',
  'uid',
  'generation',
  'resourceVersion',
  'managedFields',
  'selfLink',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
];

/** Takes out what no manager may own: identity, and the part that this endpoint does not write. */
export function withoutUnowned(set: PathSet, subresource: string | undefined, hasStatus: boolean): PathSet {
  const unowned = new PathSet();
  for (const name of ['apiVersion', 'kind']) unowned.child(`f:${name}`).member = true;
  for (const name of metadataNobodyOwns) unowned.child('f:metadata').child(`f:${name}`).member = true;
  unowned.child('f:metadata').member = true;
  const left = difference(set, unowned);
  const out = new PathSet();
  out.member = false;
  for (const [segment, child] of left.children) {
    const isStatus = segment === 'f:status';
    if (hasStatus && (subresource === 'status') !== isStatus) continue;
    if (!child.empty) out.children.set(segment, child);
  }
  return out;
}

export interface FieldConflict {
  owner: Manager;
  path: string;
}

export function changesBetween(type: TypeRef, before: KubeObject | undefined, after: KubeObject): Changes {
  return compare(type, before ?? {}, after);
}

/** Which fields of other managers a change would overwrite. */
export function conflictsOf(managers: readonly Manager[], self: ManagerId, changes: Changes): FieldConflict[] {
  const touched = union(changes.modified, changes.added);
  return managers
    .filter((manager) => !sameManager(manager, self))
    .flatMap((owner) =>
      [...intersection(owner.fields, touched).paths()].map((path) => ({ owner, path: pathText(path) })),
    );
}

/** Other managers lose what was overwritten or removed. */
export function yieldTo(managers: readonly Manager[], self: ManagerId, changes: Changes): Manager[] {
  const touched = union(changes.modified, changes.added);
  return managers.map((manager) => {
    if (sameManager(manager, self)) return manager;
    const kept = difference(difference(manager.fields, intersection(manager.fields, touched)), changes.removed);
    return { ...manager, fields: kept };
  });
}

function ownerText({ manager, subresource, operation, apiVersion }: Manager): string {
  const name = `"${manager}"${subresource === undefined ? '' : ` with subresource "${subresource}"`}`;
  if (operation === 'Apply') return name;
  return `${name} using ${apiVersion}`;
}

/** 409 with one cause a field, each naming manager and path. */
export function applyConflict(conflicts: readonly FieldConflict[]): ApiError {
  const causes: StatusCause[] = conflicts.map(({ owner, path }) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with ${ownerText(owner)}`,
    field: path,
  }));
  const [only] = conflicts;
  if (conflicts.length === 1 && only !== undefined)
    return new ApiError(
      409,
      'Conflict',
      `Apply failed with 1 conflict: conflict with ${ownerText(only.owner)}: ${only.path}`,
      { causes },
    );
  const owners = [...new Set(conflicts.map(({ owner }) => ownerText(owner)))].sort();
  const lines = owners.map((owner) => {
    const paths = conflicts.filter((conflict) => ownerText(conflict.owner) === owner).map(({ path }) => `- ${path}`);
    return `conflicts with ${owner}:\n${paths.join('\n')}`;
  });
  return new ApiError(409, 'Conflict', `Apply failed with ${conflicts.length} conflicts: ${lines.join('\n')}`, {
    causes,
  });
}
