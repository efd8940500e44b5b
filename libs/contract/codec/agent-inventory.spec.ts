import { fromBinary, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvalidRequest, type Inventory, mostNodeLabelKeys, mostUnreflectedWorks } from '#domain';
import * as line from '../line.js';
import {
  inventoryChange,
  inventoryChangeFromWire,
  inventoryChangeToWire,
  inventoryFromWire,
} from './agent-inventory.js';

const few = fc.integer({ min: 0, max: 2 });
const word = fc.constantFrom('', 'a', 'b');
const amounts = fc.record({ mcpu: few, memoryBytes: few, pods: few });
const nodeClass = fc.record(
  {
    ...{ nodes: few, free: amounts, architecture: word, taints: fc.constant([]) },
    extended: fc.dictionary(fc.constantFrom('nvidia.com/gpu', 'example.org/fpga'), few, { minKeys: 1, maxKeys: 2 }),
    deviceModel: fc.constantFrom('A100', 'H100'),
    labels: fc.dictionary(fc.constantFrom('disk', 'example.org/rack'), word, { minKeys: 1, maxKeys: 2 }),
    allocatable: amounts,
    devices: fc.array(few, { minLength: 1, maxLength: 2 }),
  },
  { requiredKeys: ['nodes', 'free', 'architecture', 'taints'] },
);

/** Of few values, so that parts are often the same. */
const inventories: fc.Arbitrary<Inventory> = fc.record({
  reflected: fc.record({
    upTo: fc.bigInt({ min: 0n, max: 2n }),
    except: fc.array(fc.record({ workId: fc.uuid(), after: fc.bigInt({ min: 0n, max: 2n }) }), { maxLength: 2 }),
  }),
  ...{ serverVersion: word, nodes: few, readyNodes: few },
  ...{ allocatable: amounts, foreignRequests: amounts, berthRequests: amounts },
  classes: fc.array(nodeClass, { maxLength: 2 }),
  measured: fc.option(fc.record({ mcpu: few, memoryBytes: few }), { nil: undefined }),
  kinds: fc.array(word, { maxLength: 2 }),
  schemaDigest: word,
  storageClasses: fc.array(
    fc.record({ name: word, provisioner: word, isDefault: fc.boolean(), waitsForConsumer: fc.boolean() }),
    { maxLength: 2 },
  ),
  labelKeys: fc.array(word, { maxLength: 2 }),
});

describe('a change of an inventory', () => {
  it('brings exactly what is not as it was through the wire', () => {
    fc.assert(
      fc.property(inventories, inventories, (before, after) => {
        const change = inventoryChange(before, after);
        if (change === undefined) return expect(after).toEqual(before);
        const bytes = toBinary(line.InventoryDeltaSchema, inventoryChangeToWire(change));
        const read = inventoryChangeFromWire(fromBinary(line.InventoryDeltaSchema, bytes));
        expect({ ...before, ...read }).toEqual(after);
        for (const part of Object.keys(read) as (keyof Inventory)[]) expect(read[part]).not.toEqual(before[part]);
      }),
    );
  });

  it('is refused when it brings more than the row takes, half of what is reflected, or no UUID', () => {
    const works = (count: number) =>
      Array.from({ length: count }, () => ({ workId: new Uint8Array(16), afterSequence: 0n }));
    const delta = (init: Parameters<typeof inventoryChangeToWire>[0]) => inventoryChangeToWire(init);
    const many = delta({ reflected: { upTo: 1n, except: [] } });
    many.unreflectedWorks?.works.push(
      ...works(mostUnreflectedWorks + 1).map((each) => ({
        ...each,
        $typeName: 'berth.agent.v1.UnreflectedWork' as const,
      })),
    );
    expect(() => inventoryChangeFromWire(many)).toThrow(InvalidRequest);
    const half = delta({ reflected: { upTo: 1n, except: [] } });
    delete half.unreflectedWorks;
    expect(() => inventoryChangeFromWire(half)).toThrow(InvalidRequest);
    const keys = delta({ labelKeys: Array.from({ length: mostNodeLabelKeys + 1 }, (_, n) => `key-${n}`) });
    expect(() => inventoryChangeFromWire(keys)).toThrow(/label_keys/);
    const whole = fromBinary(line.InventorySchema, new Uint8Array());
    expect(inventoryFromWire(whole), 'an agent of before takes back what a newer one told').toHaveProperty(
      'labelKeys',
      undefined,
    );
    whole.unreflectedWorks.push({
      ...{ $typeName: 'berth.agent.v1.UnreflectedWork', workId: new Uint8Array(3), afterSequence: 0n },
    });
    expect(() => inventoryFromWire(whole)).toThrow(InvalidRequest);
  });
});
