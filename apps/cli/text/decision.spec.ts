import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { expect, it } from 'vitest';
import { wire } from '#contract';
import { decisionLines } from './decision.js';
import { noColours } from './look.js';

const { CHOSEN, ELIGIBLE, REFUSED } = wire.ClusterVerdict_Outcome;
const decision = create(wire.DecisionSchema, {
  id: 'd-1',
  release: 'tenants/t/projects/p/environments/default/releases/v3',
  createTime: timestampFromMs(0),
  engineVersion: '1',
  priority: 7,
  feedPosition: { sequence: 9n },
  placed: true,
  groups: [
    {
      components: ['web', 'api'],
      placed: true,
      division: ['4 replicas over 2 clusters'],
      clusters: [
        {
          cluster: 'clusters/south',
          outcome: REFUSED,
          filter: 'Taints',
          refusal: { reason: 'not-tolerated', facts: { taint: 'gpu=yes', effect: 'NoSchedule' } },
        },
        {
          cluster: 'clusters/west',
          outcome: ELIGIBLE,
          total: 600n,
          scores: [{ scorer: 'Headroom', score: 600, weight: 2 }],
        },
        {
          cluster: 'clusters/east',
          outcome: CHOSEN,
          total: 700n,
          scores: [{ scorer: 'Headroom', score: 700, weight: 2 }],
          allotments: { web: 3, api: 1, cron: 0 },
        },
      ],
    },
  ],
});

it('tells of each group where it went, the arithmetic, and every cluster, the chosen first', () => {
  const lines = decisionLines('shop in default', decision, { palette: noColours, bars: false, now: 60_000 });
  expect(lines).toEqual([
    'shop in default v3: placed 1m ago',
    'decision d-1, priority 7, engine 1, fleet as of position 9',
    '',
    'web + api (linked: placed together) → east',
    '  4 replicas over 2 clusters',
    '  CLUSTER   OUTCOME    POINTS   Headroom×2   REPLICAS',
    '  east      chosen     700      700          api 1, web 3',
    '  west      eligible   600      600          -',
    '',
    '  REFUSED   BY       WHY                                                CLUSTERS',
    '  1         Taints   not-tolerated (effect NoSchedule, taint gpu=yes)   south',
  ]);
});

it('tells of clusters with the same reason on one line, with the range of their figures', () => {
  const lacking = (cluster: string, free: string) => ({
    cluster: `clusters/${cluster}`,
    outcome: REFUSED,
    filter: 'Capacity',
    refusal: {
      reason: 'NotEnoughCapacity',
      facts: { resource: 'mcpu', asked: '4', free },
      message: 'lacks cpu (web needs 4)',
    },
  });
  const group = create(wire.GroupDecisionSchema, {
    components: ['web'],
    placed: true,
    clusters: [
      ...[...'abcdefg'].map((id, index) => lacking(id, `${index + 1}00m`)),
      {
        cluster: 'clusters/z',
        outcome: REFUSED,
        filter: 'Cordon',
        refusal: { reason: 'Cordoned', message: 'is cordoned' },
      },
      lacking('h', '2'),
      ...Array.from({ length: 20 }, (_, index) => ({
        cluster: `clusters/c${index}`,
        outcome: index === 0 ? CHOSEN : ELIGIBLE,
        total: BigInt(900 - index),
      })),
    ],
  });
  const shown = decisionLines('web', create(wire.DecisionSchema, { groups: [group] }), {
    palette: noColours,
    bars: false,
    now: 0,
  });
  expect(shown.filter((line) => line.includes('eligible'))).toHaveLength(8);
  expect(shown).toContain('  … 11 more could have been chosen: 891 to 881 points');
  expect(shown.slice(-3)).toEqual([
    '  REFUSED   BY         WHY                                       CLUSTERS',
    '  8         Capacity   lacks cpu (web needs 4); free 100m to 2   a, b, c, d and 4 more',
    '  1         Cordon     is cordoned                               z',
  ]);
});

it('tells of a group that found no place why', () => {
  const group = create(wire.GroupDecisionSchema, {
    components: ['big'],
    refusal: { reason: 'not-enough-capacity', facts: { asked: '64 cores' } },
  });
  const refused = create(wire.DecisionSchema, { id: 'd-2', groups: [group] });
  const text = decisionLines('big in default', refused, { palette: noColours, bars: false, now: 0 }).join('\n');
  expect(text).toContain('big in default: not placed');
  expect(text).toContain('big not placed: not-enough-capacity (asked 64 cores)');
});

it('names the plug-ins that failed, and what counts instead', () => {
  const group = create(wire.GroupDecisionSchema, {
    components: ['web'],
    plugins: [
      { name: 'carbon', version: '1' },
      { name: 'prices', failure: 'timeout after 200 ms', fallback: { score: 0 } },
      { name: 'hours', failure: 'was not asked', fallback: { refuses: false } },
      { name: 'both', version: '2', failure: 'gave no scores', fallback: { score: 500, refuses: true } },
    ],
  });
  const decision = create(wire.DecisionSchema, { groups: [group] });
  const lines = decisionLines('web', decision, { palette: noColours, bars: false, now: 0 });
  expect(lines.filter((line) => line.includes('plug-in'))).toEqual([
    '  plug-in prices failed (timeout after 200 ms): default score 0',
    '  plug-in hours failed (was not asked): clusters are admitted',
    '  plug-in both failed (gave no scores): clusters are refused, default score 500',
  ]);
});

it('tells who gave way to whom', () => {
  const peer = (application: string, number: number, priority: number) =>
    create(wire.PreemptionPeerSchema, {
      application: `tenants/t/projects/p/applications/${application}`,
      release: `tenants/t/projects/p/environments/default/releases/v${number}`,
      ...{ priority, createTime: timestampFromMs(0) },
    });
  const both = create(wire.DecisionSchema, {
    ...decision,
    ...{ groups: [], preempted: [peer('batch', 1, -5)], preemptedBy: peer('shop', 4, 9) },
  });
  expect(decisionLines('x', both, { palette: noColours, bars: false, now: 60_000 }).slice(2)).toEqual([
    'batch v1 (priority -5) gave way to it 1m ago',
    'gave way to shop v4 (priority 9) 1m ago',
  ]);
});
