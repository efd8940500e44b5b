import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DecisionRecord } from '#domain';
import { decide } from '../decide.js';
import { aCluster, aComponent, aGroup, aPod, aRequest, fleetOf, room } from '../testing/fleet.fixture.js';
import { packRecord } from '../testing/packed-record.js';
import { ByteReader, ByteWriter } from './bytes.js';
import { readIds, readNumbers, readTexts, writeIds, writeNumbers, writeTexts } from './columns.js';
import { unpackRecord } from './pack.js';

/** Full and half-full, cordoned and tainted clusters, no two alike. */
const thousand = fleetOf(
  ...Array.from({ length: 1000 }, (_, at) =>
    aCluster(`region-${at % 20}-prod-${`${at}`.padStart(4, '0')}`, {
      region: `region-${at % 20}`,
      cordoned: at % 50 === 0,
      taints: at % 30 === 1 ? [{ key: 'pool', value: `pool-${at % 7}`, effect: 'NoSchedule' }] : [],
      allocatable: room(400, 1600, 20_000),
      reserved: { mcpu: (at * 7919) % 400_000, memoryBytes: ((at * 104_729) % 1600) * 2 ** 30 + at * 4097, pods: at },
      measured: { mcpu: (at * 31) % 300_000, memoryBytes: 0 },
      measureFresh: at % 3 !== 0,
    }),
  ),
);

describe('a packed record', () => {
  it.each([
    ['small pods', aPod(250, 256)],
    ['pods for which most clusters are too full', aPod(300_000, 600 * 1024)],
  ])('of a decision over 1,000 clusters is at most 8 KB and comes back as it was: %s', (_, perReplica) => {
    thousand.feedPosition = 123_456_789_012n;
    const { record } = decide(aRequest([aGroup([aComponent('web', { replicas: 12, perReplica })])]), thousand);
    const packed = packRecord(record);
    expect(unpackRecord(packed)).toEqual(record);
    expect(packed.length).toBeLessThanOrEqual(8192);
    expect(record.groups[0]?.clusters).toHaveLength(1000);
  });

  it('comes back for several groups, placed and refused, and for an empty fleet', () => {
    const groups = [
      aGroup([aComponent('web', { replicas: 3 }), aComponent('api')], { regions: ['eu'] }),
      aGroup([aComponent('huge', { perReplica: aPod(90_000, 1) })]),
    ];
    for (const fleet of [fleetOf(), fleetOf(aCluster('a'), aCluster('b', { region: 'us' }))]) {
      const { record } = decide(aRequest(groups), fleet);
      expect(unpackRecord(packRecord(record))).toEqual(record);
    }
  });

  it('comes back when its groups saw different clusters', () => {
    const seen = (id: string) => decide(aRequest([aGroup([aComponent('web')])]), fleetOf(aCluster(id))).record;
    const record = { ...seen('a'), groups: [...seen('a').groups, ...seen('b').groups] };
    expect(unpackRecord(packRecord(record))).toEqual(record);
  });

  it('of another format, or cut short, is refused', () => {
    const record: DecisionRecord = { engineVersion: '1', policyHash: 'x', feedPosition: 5n, groups: [] };
    const packed = packRecord(record);
    expect(() => unpackRecord(packed.slice(0, -1))).toThrow('ends early');
    packed[0] = 9;
    expect(() => unpackRecord(packed)).toThrow('format 9');
  });
});

describe('columns', () => {
  const roundTrip = <T>(write: (out: ByteWriter) => void, read: (input: ByteReader) => T): T => {
    const out = new ByteWriter();
    write(out);
    return read(new ByteReader(out.finish()));
  };

  it('bring numbers, texts and ids back', () => {
    const text = fc.oneof(
      fc.nat().map((value) => `${value}Mi`),
      fc.string(),
      fc.constant('007'),
    );
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.nat(5), fc.maxSafeNat())),
        fc.array(text),
        fc.array(fc.stringMatching(/^[a-z]{0,3}-?[0-9]{0,3}$/)),
        (numbers, texts, ids) => {
          expect(
            roundTrip(
              (out) => writeNumbers(out, numbers),
              (input) => readNumbers(input, numbers.length),
            ),
          ).toEqual(numbers);
          expect(
            roundTrip(
              (out) => writeTexts(out, texts),
              (input) => readTexts(input, texts.length),
            ),
          ).toEqual(texts);
          expect(roundTrip((out) => writeIds(out, ids), readIds)).toEqual(ids);
        },
      ),
    );
  });
});
