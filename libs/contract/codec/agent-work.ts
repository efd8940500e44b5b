import { create } from '@bufbuild/protobuf';
import {
  type ClusterId,
  type FieldViolation,
  type Incarnation,
  InvalidRequest,
  isJsonObject,
  type JsonObject,
  type TombstoneMode,
  type WorkItem,
} from '#domain';
import * as line from '../line.js';
import { agentField, jsonFromBytes, jsonToBytes } from './agent-fields.js';
import { objectPolicyFromWire, objectPolicyToWire } from './object-policy.js';

const modeToWire = {
  delete: line.TombstoneMode.DELETE,
  'let-go': line.TombstoneMode.LET_GO,
} as const satisfies Record<TombstoneMode, line.TombstoneMode>;

/** A hub of before says nothing, and means to delete. */
const modeFromWire = {
  [line.TombstoneMode.UNSPECIFIED]: 'delete',
  [line.TombstoneMode.DELETE]: 'delete',
  [line.TombstoneMode.LET_GO]: 'let-go',
} as const satisfies Record<line.TombstoneMode, TombstoneMode>;

/** A work or tombstone on its way to an agent. */
export function workItemToWire(item: WorkItem, incarnation: Incarnation): line.WorkItem {
  return create(line.WorkItemSchema, {
    item: item.kind === 'work' ? workToWire(item.work, incarnation) : tombstoneToWire(item.tombstone, incarnation),
  });
}

const workToWire = (work: Extract<WorkItem, { kind: 'work' }>['work'], incarnation: Incarnation) => ({
  case: 'work' as const,
  value: create(line.WorkSchema, {
    id: work.id,
    sequence: work.sequence,
    generation: { incarnation, sequence: work.generation },
    namespace: work.namespace,
    environment: work.environment,
    application: work.application,
    component: work.component,
    manifests: work.objects.map(jsonToBytes),
    policy: objectPolicyToWire(work.policy),
  }),
});

const tombstoneToWire = (
  tombstone: Extract<WorkItem, { kind: 'tombstone' }>['tombstone'],
  incarnation: Incarnation,
) => ({
  case: 'tombstone' as const,
  value: create(line.TombstoneSchema, {
    id: tombstone.id,
    sequence: tombstone.sequence,
    generation: { incarnation, sequence: tombstone.generation },
    apiVersion: tombstone.object.apiVersion,
    kind: tombstone.object.kind,
    namespace: tombstone.object.namespace,
    name: tombstone.object.name,
    uid: tombstone.uid,
    mode: modeToWire[tombstone.mode],
  }),
});

/**
 * What the agent is told to do; undefined when a newer hub asks for what this agent does not know: it is let pass, and a
 * tombstone of an unknown mode deletes nothing. `cluster` is the agent's own: the wire does not repeat it.
 *
 * @throws InvalidRequest for an item without a generation or a uid: nothing is ever deleted by name alone.
 */
export function workItemFromWire(wire: line.WorkItem, cluster: ClusterId): WorkItem | undefined {
  const { item } = wire;
  switch (item.case) {
    case 'work':
      return { kind: 'work', work: workFromWire(item.value, cluster) };
    case 'tombstone': {
      const mode: TombstoneMode | undefined = modeFromWire[item.value.mode];
      return mode && { kind: 'tombstone', tombstone: tombstoneFromWire(item.value, mode, cluster) };
    }
    case undefined:
      return undefined;
  }
}

function workFromWire(work: line.Work, cluster: ClusterId) {
  const { namespace, environment, application, component, sequence } = work;
  // words that a newer hub has are not this agent's to refuse: they take the default, which does least
  const unknown: FieldViolation[] = [];
  return {
    ...{ cluster, sequence, namespace, environment, application, component },
    id: agentField.uuid('work.id', work.id),
    generation: agentField.present('work.generation', work.generation).sequence,
    objects: work.manifests.map((manifest, index) => manifestFrom(`work.manifests[${index}]`, manifest)),
    policy: objectPolicyFromWire(work.policy, 'work.policy', unknown),
  };
}

function manifestFrom(field: string, content: Uint8Array): JsonObject {
  const manifest = jsonFromBytes(field, content);
  if (isJsonObject(manifest)) return manifest;
  throw new InvalidRequest([{ field, description: 'is no JSON object' }]);
}

function tombstoneFromWire(tombstone: line.Tombstone, mode: TombstoneMode, cluster: ClusterId) {
  const { apiVersion, kind, namespace, name, uid } = tombstone;
  if (uid === '' || name === '' || kind === '')
    throw new InvalidRequest([{ field: 'tombstone', description: 'kind, name and uid must all be given' }]);
  return {
    id: agentField.uuid('tombstone.id', tombstone.id),
    cluster,
    sequence: tombstone.sequence,
    generation: agentField.present('tombstone.generation', tombstone.generation).sequence,
    object: { apiVersion, kind, namespace, name },
    uid,
    mode,
  };
}
