import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  defaultObjectPolicy,
  type Findings,
  InvalidRequest,
  type Inventory,
  type ObjectPolicy,
  type WorkItem,
} from '#domain';
import * as line from '../line.js';
import * as wire from '../wire.js';
import { inventoryFromWire, inventoryToWire } from './agent-inventory.js';
import { type StatusReport, statusReportFromWire, statusReportToWire } from './agent-status.js';
import { workItemFromWire, workItemToWire } from './agent-work.js';

const text = fc.string({ maxLength: 20 }).map((value) => value.replaceAll('\u0000', ''));
const count = fc.integer({ min: 0, max: 2_147_483_647 });
const sequence = fc.bigInt({ min: 0n, max: (1n << 63n) - 1n });
const amount = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const resources = fc.record({ mcpu: amount, memoryBytes: amount, pods: amount });

const object = fc.record({ apiVersion: text, kind: text, namespace: text, name: text });
const moment = fc.option(fc.integer({ min: 0, max: 4_000_000_000_000 }), { nil: undefined });
const findings: fc.Arbitrary<Findings> = fc.record({
  drifts: fc.array(
    fc.record(
      {
        ...{ object, path: text, ordered: text, found: text, manager: text, changedAt: moment },
        outcome: fc.constantFrom('reported', 'put-back', 'fought-over', 'conflict'),
      },
      { requiredKeys: ['object', 'path', 'ordered', 'found', 'manager', 'changedAt'] },
    ),
    { maxLength: 2 },
  ),
  conflicts: fc.array(fc.record({ object, path: text, manager: text }), { maxLength: 2 }),
  events: fc.array(fc.record({ object, reason: text, message: text, count, lastAt: moment }), { maxLength: 2 }),
});
const policies: fc.Arbitrary<ObjectPolicy> = fc.record({
  drift: fc.constantFrom('repair', 'report', 'adopt'),
  immutable: fc.constantFrom('refuse', 'recreate'),
  adoption: fc.constantFrom('never', 'existing'),
  replicasOwner: fc.constantFrom('broker', 'autoscaler'),
  statusRules: fc.array(fc.record({ apiVersion: text, kind: text, ready: text }), { maxLength: 2 }),
});

const reports: fc.Arbitrary<StatusReport> = fc.record({
  sequence,
  bracket: fc.constantFrom('delta', 'begin', 'part', 'end', 'whole'),
  works: fc.array(
    fc.record({
      workId: fc.uuid(),
      generation: sequence,
      phase: fc.constantFrom('pending', 'applying', 'ready', 'degraded', 'failed'),
      replicas: fc.record({ desired: count, updated: count, ready: count, unavailable: count, restarts: count }),
      reasons: fc.array(
        fc.record(
          { reason: text, message: text, count, refusedGeneration: fc.bigInt(1n, 1n << 62n).map(String) },
          { requiredKeys: ['reason', 'message', 'count'] },
        ),
        { maxLength: 3 },
      ),
      objects: fc.array(
        fc.record({
          ...{ apiVersion: text, kind: text, namespace: text, name: text, uid: text, resourceVersion: text },
          ...{ ready: fc.boolean(), summary: text, adopted: fc.boolean() },
        }),
        { maxLength: 3 },
      ),
      findings,
    }),
    { maxLength: 3 },
  ),
  tombstones: fc.array(
    fc.record({
      tombstoneId: fc.uuid(),
      outcome: fc.constantFrom('deleted', 'absent', 'replaced', 'foreign-left', 'let-go'),
      message: text,
    }),
    { maxLength: 3 },
  ),
});

const inventories: fc.Arbitrary<Inventory> = fc.record({
  reflected: fc.record({
    upTo: sequence,
    except: fc.array(fc.record({ workId: fc.uuid(), after: sequence }), { maxLength: 3 }),
  }),
  serverVersion: text,
  nodes: count,
  readyNodes: count,
  allocatable: resources,
  foreignRequests: resources,
  berthRequests: resources,
  classes: fc.array(
    fc.record({
      nodes: count,
      free: resources,
      architecture: text,
      taints: fc.array(
        fc.record({ key: text, value: text, effect: fc.constantFrom('NoSchedule', 'PreferNoSchedule', 'NoExecute') }),
        { maxLength: 2 },
      ),
    }),
    { maxLength: 4 },
  ),
  measured: fc.option(fc.record({ mcpu: amount, memoryBytes: amount }), { nil: undefined }),
  kinds: fc.array(text, { maxLength: 3 }),
  schemaDigest: text,
  storageClasses: fc.array(
    fc.record({ name: text, provisioner: text, isDefault: fc.boolean(), waitsForConsumer: fc.boolean() }),
    { maxLength: 2 },
  ),
});

describe('the codec of the line of agents', () => {
  it('brings every report through the wire', () => {
    fc.assert(
      fc.property(reports, (report) => {
        const wire = toBinary(line.StatusReportSchema, statusReportToWire(report));
        expect(statusReportFromWire(fromBinary(line.StatusReportSchema, wire))).toEqual(report);
      }),
    );
  });

  it('brings every inventory through the wire', () => {
    fc.assert(
      fc.property(inventories, (inventory) => {
        const wire = toBinary(line.InventorySchema, inventoryToWire(inventory));
        expect(inventoryFromWire(fromBinary(line.InventorySchema, wire))).toEqual(inventory);
      }),
    );
  });

  it('brings every policy through the wire', () => {
    const id = '00000000-0000-4000-8000-000000000001';
    const names = { namespace: 'n', environment: 'e', application: 'a', component: 'c' };
    fc.assert(
      fc.property(policies, (policy) => {
        const work = { id, cluster: 'k', sequence: 7n, generation: 3n, ...names, objects: [], policy };
        const wire = toBinary(line.WorkItemSchema, workItemToWire({ kind: 'work', work }, 'i'));
        expect(workItemFromWire(fromBinary(line.WorkItemSchema, wire), 'k')).toEqual({ kind: 'work', work });
      }),
    );
  });

  it('takes words of a policy that it does not know for the default', () => {
    const id = '00000000-0000-4000-8000-000000000001';
    const fields1To4Are99 = Uint8Array.of(0x08, 99, 0x10, 99, 0x18, 99, 0x20, 99);
    const policy = fromBinary(wire.ObjectPolicySchema, fields1To4Are99);
    const work = create(line.WorkSchema, { id, generation: { incarnation: 'i', sequence: 1n }, policy });
    const item = workItemFromWire(create(line.WorkItemSchema, { item: { case: 'work', value: work } }), 'k');
    expect(item).toMatchObject({ kind: 'work', work: { policy: defaultObjectPolicy } });
  });

  it('brings works and tombstones through the wire, any field of a manifest included', () => {
    const id = '00000000-0000-4000-8000-000000000001';
    const names = { namespace: 'n', environment: 'e', application: 'a', component: 'c' };
    const objects = [{ apiVersion: 'v1', kind: 'X', spec: { unknown: [1, null, 'ü', { deep: true }] } }];
    const items: WorkItem[] = [
      {
        kind: 'work',
        work: { id, cluster: 'k', sequence: 7n, generation: 3n, ...names, objects, policy: defaultObjectPolicy },
      },
      {
        kind: 'tombstone',
        tombstone: {
          ...{ id, cluster: 'k', sequence: 8n, generation: 4n, uid: 'u' },
          object: { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'n', name: 'c' },
          mode: 'let-go',
        },
      },
    ];
    for (const item of items) expect(workItemFromWire(workItemToWire(item, 'i'), 'k')).toEqual(item);
  });

  it('refuses a tombstone without a uid, and lets an item pass that it does not know', () => {
    const tombstone = create(line.TombstoneSchema, {
      id: '00000000-0000-4000-8000-000000000001',
      generation: { incarnation: 'i', sequence: 1n },
      kind: 'ConfigMap',
      name: 'c',
    });
    const nameless = create(line.WorkItemSchema, { item: { case: 'tombstone', value: tombstone } });
    expect(() => workItemFromWire(nameless, 'k')).toThrow(InvalidRequest);
    expect(workItemFromWire(create(line.WorkItemSchema), 'k'), 'of a newer hub').toBeUndefined();
    const mode = 99 as line.TombstoneMode;
    const odd = create(line.WorkItemSchema, { item: { case: 'tombstone', value: { ...tombstone, uid: 'u', mode } } });
    expect(workItemFromWire(odd, 'k'), 'what it means is not known').toBeUndefined();
  });

  it('refuses negative amounts, too many classes, unknown words and ids that are none', () => {
    const wrong = [
      () => inventoryFromWire(create(line.InventorySchema, { allocatable: { mcpu: -1n } })),
      () => inventoryFromWire(create(line.InventorySchema, { classes: Array.from({ length: 65 }, () => ({})) })),
      () => statusReportFromWire(create(line.StatusReportSchema, { sequence: 1n })),
      () => statusReportFromWire(create(line.StatusReportSchema, { bracket: 99 as line.Bracket })),
      () =>
        statusReportFromWire(
          create(line.StatusReportSchema, { bracket: line.Bracket.DELTA, works: [{ workId: "1'; DROP TABLE works" }] }),
        ),
    ];
    for (const attempt of wrong) expect(attempt).toThrow(InvalidRequest);
  });
});
