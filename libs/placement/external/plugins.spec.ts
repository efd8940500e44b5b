import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PluginAnswer } from '#domain';
import { applyDecision, decide } from '../decide.js';
import type { Snapshot } from '../fleet/snapshot.js';
import { defaultPolicy, policyHash, withPlugins } from '../policy.js';
import { unpackRecord } from '../record/pack.js';
import type { ExternalAnswers } from '../request.js';
import { aCluster, aComponent, aGroup, aPod, aRequest, fleetOf, room } from '../testing/fleet.fixture.js';
import { packRecord } from '../testing/packed-record.js';
import type { EnginePlugin } from './plugins.js';

const hours: EnginePlugin = {
  name: 'hours',
  version: '',
  filter: { onFailure: 'admit', wakeOn: ['cluster.relabelled'] },
};
const prices: EnginePlugin = { name: 'prices', version: '2', score: { weight: 40, onFailure: 250 } };
const both = withPlugins(defaultPolicy, [hours, prices]);
const strict = withPlugins(defaultPolicy, [{ ...hours, filter: { onFailure: 'refuse', wakeOn: [] } }, prices]);

const saysHours = (verdicts: number[], differs: Partial<PluginAnswer> = {}): PluginAnswer => ({
  ...{ plugin: 'hours', version: '1', failure: undefined, reasons: ['in maintenance'], verdicts, scores: undefined },
  ...differs,
});
const saysPrices = (scores: number[], differs: Partial<PluginAnswer> = {}): PluginAnswer => ({
  ...{ plugin: 'prices', version: '2', failure: undefined, reasons: [], verdicts: undefined, scores },
  ...differs,
});

const three = () => fleetOf(aCluster('a'), aCluster('b'), aCluster('c'));

/** One replica that would go to `a` if nobody said anything. */
function decided(answers: readonly PluginAnswer[] | undefined, policy = both, fleet: Snapshot = three()) {
  const external = answers && { clusters: fleet.ids, answers };
  const group = aGroup([aComponent('web')], {}, { external });
  const decision = decide(aRequest([group]), fleet, policy);
  const record = decision.record.groups[0];
  if (record === undefined) throw new Error('no group was decided');
  return { decision, record, clusters: decision.allotments.map(({ cluster }) => cluster) };
}

describe('what plug-ins from outside said', () => {
  it('counts: who is refused gets nothing and says why, points are weighed with the others', () => {
    const { clusters, record } = decided([saysHours([1, 0, 0]), saysPrices([1000, 0, 700])]);
    expect(clusters).toEqual(['c']);
    const [a, b, c] = record.clusters;
    expect(a).toMatchObject({
      outcome: 'refused',
      filter: 'hours',
      refusal: { reason: 'PluginRefused', facts: { plugin: 'hours', why: 'in maintenance' } },
    });
    expect(c?.scores.at(-1)).toEqual({ scorer: 'prices', score: 700, weight: 40 });
    expect((c?.total ?? 0) - (b?.total ?? 0)).toBe(700 * 40);
  });

  it('leaves what a cluster holds where it is, and gives it nothing more', () => {
    const fleet = three();
    const group = (replicas: number) =>
      aGroup(
        [aComponent('web', { replicas })],
        {},
        { external: { clusters: fleet.ids, answers: [saysHours([1, 0, 0])] } },
      );
    const previous = [{ component: 'web', cluster: 'a', replicas: 2, perReplica: aPod(1000, 1024) }];
    const kept = decide(aRequest([group(2)], previous), fleet, both);
    expect(kept.allotments).toMatchObject([{ cluster: 'a', replicas: 2 }]);
    const grown = decide(aRequest([group(4)], previous), fleet, both);
    expect(grown.allotments.find(({ cluster }) => cluster === 'a')?.replicas).toBe(2);
  });

  it('wakes what it refused when its answers may be others, or the fleet changes as it was declared', () => {
    const { decision } = decided([saysHours([1, 1, 1]), saysPrices([0, 0, 0])]);
    expect(decision.placed).toBe(false);
    expect(decision.refused[0]?.refusal).toEqual({ reason: 'NoClusterFits', facts: { hours: '3' } });
    expect(decision.refused[0]?.wakeOn).toEqual(['cluster.ready', 'cluster.relabelled', 'plugin.answers']);
  });

  it('does not outlive the decision that it was asked for', () => {
    const fleet = three();
    expect(decided([saysHours([1, 1, 1]), saysPrices([0, 0, 0])], both, fleet).clusters).toEqual([]);
    expect(decided([saysHours([0, 1, 1]), saysPrices([0, 0, 0])], both, fleet).clusters).toEqual(['a']);
  });

  it('comes to the default for clusters that joined after it was asked', () => {
    const fleet = three();
    const external: ExternalAnswers = { clusters: fleet.ids, answers: [saysHours([1, 1, 1]), saysPrices([1, 2, 3])] };
    fleet.upsert(aCluster('aa'));
    const ask = (policy: typeof both) =>
      decide(aRequest([aGroup([aComponent('web')], {}, { external })]), fleet, policy);
    expect(ask(both).allotments.map(({ cluster }) => cluster)).toEqual(['aa']);
    const refused = ask(strict).record.groups[0];
    expect(refused?.clusters.map(({ refusal }) => refusal?.facts.why)).toEqual([
      'in maintenance',
      'was not asked about this cluster',
      'in maintenance',
      'in maintenance',
    ]);
    expect(refused?.plugins?.[1]?.scores).toEqual([1, 250, 2, 3]);
  });
});

const nonsense: Record<string, [answer: PluginAnswer, failure: string]> = {
  'no number': [saysPrices([1, Number.NaN, 3]), 'gave b the score NaN; allowed are 0 to 1000'],
  'an infinite one': [saysPrices([1, 2, Number.POSITIVE_INFINITY]), 'gave c the score Infinity; allowed are 0 to 1000'],
  'a thousand million': [saysPrices([1e9, 2, 3]), 'gave a the score 1000000000; allowed are 0 to 1000'],
  'a negative one': [saysPrices([1, -1, 3]), 'gave b the score -1; allowed are 0 to 1000'],
  'half a point': [saysPrices([1, 0.5, 3]), 'gave b the score 0.5; allowed are 0 to 1000'],
  'too few': [saysPrices([1, 2]), 'gave 2 scores for 3 clusters'],
  'too many': [saysPrices([1, 2, 3, 4]), 'gave 4 scores for 3 clusters'],
  'no scores': [saysPrices([], { scores: undefined }), 'gave no scores'],
  'another version': [saysPrices([1, 2, 3], { version: '3' }), 'answers as version 3; configured is 2'],
  'a failure': [saysPrices([1, 2, 3], { failure: 'timeout after 200 ms' }), 'timeout after 200 ms'],
};
const wrongVerdicts: Record<string, [answer: PluginAnswer, failure: string]> = {
  'a reason that is not there': [saysHours([0, 2, 0]), 'gave b the verdict 2; allowed are 0 to 1'],
  'too few': [saysHours([0]), 'gave 1 verdicts for 3 clusters'],
  'no verdicts': [saysHours([], { verdicts: undefined }), 'does not say which clusters it admits'],
  'too many reasons': [
    saysHours([0, 0, 0], { reasons: Array.from({ length: 17 }, (_, at) => `${at}`) }),
    'gave 17 different reasons; 15 are allowed',
  ],
  'a long story': [
    saysHours([0, 0, 0], { reasons: ['x'.repeat(121)] }),
    'gave a reason of 121 characters; allowed are 1 to 120',
  ],
};

describe('nonsense of a plug-in', () => {
  it.each(Object.entries(nonsense))(
    'is named, and every cluster gets the default score: %s',
    (_, [answer, failure]) => {
      const { record, clusters } = decided([saysHours([1, 0, 0]), answer]);
      expect(record.plugins?.[1]).toMatchObject({ plugin: 'prices', failure, scores: [250, 250, 250] });
      expect(record.clusters[1]?.scores.at(-1)).toEqual({ scorer: 'prices', score: 250, weight: 40 });
      expect(clusters).toEqual(['b']);
    },
  );

  it.each(Object.entries(wrongVerdicts))('is named, and the default verdict counts: %s', (_, [answer, failure]) => {
    const admitted = decided([answer, saysPrices([0, 0, 0])]);
    expect(admitted.record.plugins?.[0]).toMatchObject({ failure, verdicts: [0, 0, 0], reasons: [] });
    expect(admitted.clusters).toEqual(['a']);
    const refused = decided([answer, saysPrices([0, 0, 0])], strict);
    expect(refused.decision.placed).toBe(false);
    const refusal = { reason: 'PluginFailed', facts: { plugin: 'hours', why: failure } };
    expect(refused.record.clusters.map((each) => each.refusal)).toEqual([refusal, refusal, refusal]);
    expect(refused.decision.refused[0]?.wakeOn).toContain('plugin.answers');
  });

  it('that nobody asked for is not read; who was not asked says so', () => {
    const { record } = decided(undefined);
    expect(record.plugins?.map(({ failure }) => failure)).toEqual(['was not asked', 'was not asked']);
    const stranger = { ...saysPrices([Number.NaN]), plugin: 'stranger' };
    expect(decided([stranger], defaultPolicy).record).not.toHaveProperty('plugins');
  });
});

describe('the record of a decision with plug-ins', () => {
  const thousand = fleetOf(
    ...Array.from({ length: 1000 }, (_, at) =>
      aCluster(`region-${at % 20}-prod-${`${at}`.padStart(4, '0')}`, {
        region: `region-${at % 20}`,
        cordoned: at % 50 === 0,
        allocatable: room(400, 1600, 20_000),
        reserved: { mcpu: (at * 7919) % 400_000, memoryBytes: ((at * 104_729) % 1600) * 2 ** 30 + at * 4097, pods: at },
      }),
    ),
  );
  const wild = {
    clusters: thousand.ids,
    answers: [
      saysHours(
        thousand.ids.map((_, at) => (at * 31) % 16),
        { reasons: Array.from({ length: 15 }, (_, at) => `because of ${at}`) },
      ),
      saysPrices(thousand.ids.map((_, at) => (at * 7919) % 1001)),
    ],
  };
  const request = () => aRequest([aGroup([aComponent('web', { replicas: 12 })], {}, { external: wild })]);

  it('is at most 8 KB at 1,000 clusters, and comes back as it was', () => {
    const decision = decide(request(), thousand, both);
    expect(decision.packed.length).toBeLessThanOrEqual(8192);
    expect(unpackRecord(decision.packed)).toEqual(decision.record);
    expect(packRecord(decision.record)).toEqual(decision.packed);
  });

  it.each([
    ['of answers that count', wild.answers],
    ['of a failure', [saysHours([], { failure: 'timeout after 200 ms' }), saysPrices([Number.NaN])]],
    ['of nobody asked', []],
  ])('replays bit for bit with the answers that are in it: %s', (_, answers) => {
    for (const policy of [both, strict]) {
      const [group] = request().groups;
      if (group === undefined) throw new Error('there is no group');
      const ask = (external: ExternalAnswers) => decide(aRequest([{ ...group, external }]), thousand, policy);
      const first = ask({ clusters: thousand.ids, answers });
      const stored = unpackRecord(first.packed).groups[0];
      const clusters = stored?.clusters.map(({ cluster }) => cluster) ?? [];
      const again = ask({ clusters, answers: stored?.plugins ?? [] });
      expect(again.packed).toEqual(first.packed);
      expect(again.allotments).toEqual(first.allotments);
    }
  });

  it('is as ever where no plug-ins are configured', () => {
    expect(withPlugins(defaultPolicy, [])).toBe(defaultPolicy);
    const decision = decide(request(), thousand);
    expect(decision.packed).toEqual(decide(aRequest([aGroup([aComponent('web', { replicas: 12 })])]), thousand).packed);
    expect(decision.record.groups[0]).not.toHaveProperty('plugins');
  });
});

it('the hash of a policy tells its plug-ins apart by all that decisions depend on', () => {
  const differing = [
    [],
    [hours],
    [prices],
    [hours, prices],
    [{ ...hours, version: '7' }],
    [{ ...hours, filter: { onFailure: 'refuse', wakeOn: ['cluster.relabelled'] } } satisfies EnginePlugin],
    [{ ...prices, score: { weight: 41, onFailure: 250 } }],
    [{ ...prices, score: { weight: 40, onFailure: 251 } }],
    [{ ...prices, version: '3' }],
    [{ ...prices, name: 'rates' }],
  ];
  const hashes = differing.map((plugins) => policyHash(withPlugins(defaultPolicy, plugins)));
  expect(new Set(hashes).size).toBe(differing.length);
});

it('decisions that follow each other see each its own answers', () => {
  const fleet = three();
  const external = { clusters: fleet.ids, answers: [saysHours([0, 0, 1]), saysPrices([0, 900, 1000])] };
  const groups = [aGroup([aComponent('web')], {}, { external }), aGroup([aComponent('db')])];
  const decision = decide(aRequest(groups), fleet, both);
  applyDecision(fleet, decision);
  expect(decision.record.groups.map(({ plugins }) => plugins?.map(({ failure }) => failure))).toEqual([
    [undefined, undefined],
    ['was not asked', 'was not asked'],
  ]);
  expect(decision.allotments[0]).toMatchObject({ component: 'web', cluster: 'b' });
});

it('whatever plug-ins say, decisions are whole, and their records come back', () => {
  const fleet = three();
  const number = fc.oneof(fc.nat(1000), fc.double(), fc.integer(), fc.constantFrom(Number.NaN, 1e9, -1, 1001, 2 ** 53));
  const column = fc.option(fc.array(number, { maxLength: 5 }), { nil: undefined });
  const answer = fc.record({
    plugin: fc.constantFrom('hours', 'prices', 'stranger'),
    version: fc.constantFrom('', '1', '2', 'x'.repeat(1000)),
    failure: fc.option(fc.string({ maxLength: 300 }), { nil: undefined }),
    reasons: fc.array(fc.string({ maxLength: 200 }), { maxLength: 20 }),
    verdicts: column,
    scores: column,
  });
  const clusters = fc.oneof(fc.constant(fleet.ids), fc.subarray(['a', 'b', 'c', 'gone']));
  fc.assert(
    fc.property(fc.array(answer, { maxLength: 4 }), clusters, fc.boolean(), (answers, asked, isStrict) => {
      const group = aGroup([aComponent('web', { replicas: 4 })], {}, { external: { clusters: asked, answers } });
      const decision = decide(aRequest([group]), fleet, isStrict ? strict : both);
      const given = decision.allotments.map(({ replicas }) => replicas);
      expect(given.every((replicas) => Number.isInteger(replicas) && replicas >= 0)).toBe(true);
      if (decision.placed) expect(given.reduce((sum, replicas) => sum + replicas, 0)).toBe(4);
      else expect(decision.refused[0]?.wakeOn).toContain('plugin.answers');
      expect(unpackRecord(decision.packed)).toEqual(decision.record);
      expect(decision.record.groups[0]?.plugins?.map(({ plugin }) => plugin)).toEqual(['hours', 'prices']);
      for (const { scores } of decision.record.groups[0]?.clusters ?? [])
        for (const { score } of scores) expect(score >= 0 && score <= 1000).toBe(true);
    }),
    { numRuns: 1000 },
  );
});
