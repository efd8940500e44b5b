import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { expect, it } from 'vitest';
import { wire } from '#contract';
import { noColours } from './look.js';
import { planLines } from './plan.js';

const { CHOSEN, REFUSED } = wire.ClusterVerdict_Outcome;
const shown = (plan: MessageInitShape<typeof wire.PlanSchema>) =>
  planLines('shop in default', create(wire.PlanSchema, plan), 'berth apply -f a.yaml --plan plan_1', {
    palette: noColours,
    bars: false,
    now: 0,
  });
const cordoned = { outcome: REFUSED, filter: 'Cordon', refusal: { reason: 'Cordoned', message: 'is cordoned' } };

it('shows for each component and cluster what is there now and what would be, why, and how to take it', () => {
  const lines = shown({
    plan: 'plan_1',
    changed: true,
    expireTime: timestampFromMs(900_000),
    allotments: [
      { component: 'api', cluster: 'clusters/east', now: 2, planned: 2 },
      { component: 'web', cluster: 'clusters/east', now: 1, planned: 3 },
      { component: 'web', cluster: 'clusters/west', now: 1, planned: 0 },
    ],
    decision: {
      placed: true,
      groups: [
        {
          components: ['web', 'api'],
          placed: true,
          division: ['3 replicas of web packed into 1 cluster'],
          clusters: [
            { cluster: 'clusters/east', outcome: CHOSEN },
            { cluster: 'clusters/west', ...cordoned },
          ],
        },
      ],
    },
  });
  expect(lines).toEqual([
    'shop in default: 2 of 3 placements would change',
    '',
    'COMPONENT   CLUSTER   NOW   PLANNED   CHANGE',
    'api         east      2     2         as it is',
    'web         east      1     3         +2',
    'web         west      1     -         -1',
    '',
    'web + api: 1 of 2 clusters are eligible',
    '  3 replicas of web packed into 1 cluster',
    '  REFUSED   BY       WHY           CLUSTERS',
    '  1         Cordon   is cordoned   west',
    '',
    'to take exactly this (the plan expires in 15m):',
    '  berth apply -f a.yaml --plan plan_1',
  ]);
});

it('says why there is no place, and offers nothing to take', () => {
  const refusal = { reason: 'NoClusterFits', facts: { Cordon: '2' }, message: 'no cluster fits' };
  const clusters = ['clusters/east', 'clusters/west'].map((cluster) => ({ cluster, ...cordoned }));
  const lines = shown({
    changed: true,
    decision: { groups: [{ components: ['web'], refusal, clusters }] },
    refusals: ['no cluster fits 3 × web: 2 are cordoned'],
  });
  expect(lines).toEqual([
    'shop in default: there is no place',
    '  no cluster fits 3 × web: 2 are cordoned',
    '',
    'web: 0 of 2 clusters are eligible',
    '  no cluster fits',
    '  REFUSED   BY       WHY           CLUSTERS',
    '  2         Cordon   is cordoned   east, west',
  ]);
});

it('says when nothing would change, and when only the content would', () => {
  const decision = { placed: true };
  const allotments = [{ component: 'web', cluster: 'clusters/east', now: 1, planned: 1 }];
  expect(shown({ plan: 'plan_1', decision, allotments })[0]).toBe('shop in default: nothing would change');
  expect(shown({ plan: 'plan_1', changed: true, decision, allotments })[0]).toBe(
    'shop in default: the content would change where it is',
  );
});
