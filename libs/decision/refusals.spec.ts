import { expect, it } from 'vitest';
import { refusalWords } from './refusals.js';

it.each([
  ['NoDomain', { by: 'zone' }, 'has no zone to be spread by'],
  ['NoDomain', { by: 'rack' }, 'has no label rack to be spread by'],
  ['NoWeight', { by: 'region', value: 'ap', weights: 'eu 1' }, 'is in region ap, which has no weight'],
  ['InNoGroup', { groups: '2' }, 'is in none of the cluster groups'],
  ['NoPrice', {}, 'has no price that is known'],
  ['TooExpensive', { hourlyMicros: '32000', maxPriceMicros: '17000' }, 'costs more than 0.017 an hour'],
  ['NotResident', { allowed: 'eu, de', found: 'us, eu' }, 'is of jurisdiction us, eu (allowed: eu, de)'],
  ['PluginRefused', { plugin: 'hours', why: 'in maintenance' }, 'is refused by hours: in maintenance'],
  [
    'PluginFailed',
    { plugin: 'hours', why: 'timeout after 200 ms' },
    'could not be judged by hours, which failed (timeout after 200 ms)',
  ],
  ['NotResident', { allowed: 'eu', found: 'none' }, 'is of no jurisdiction that is known (allowed: eu)'],
])('says of a cluster that refuses by %s %o: %s', (reason, facts, words) => {
  expect(refusalWords.ofCluster({ reason, facts })).toBe(words);
});

it.each([
  [
    'TooFewDomains',
    { by: 'region', needed: '4', eligible: '2', found: 'eu, us', Taints: '1' },
    '4 domains by region are needed, 2 could take it (eu, us)',
  ],
  [
    'SpreadNotMet',
    { component: 'web', replicas: '8', clusters: '4', spread: 'region at least 3, skew 1', room: 'eu 16, us 4, ap 1' },
    'no choice of clusters keeps region at least 3, skew 1 for 8 × web, there is room for eu 16, us 4, ap 1',
  ],
  [
    'SpreadNotMet',
    { component: 'web', replicas: '8', minReplicas: '3', room: 'a 2' },
    'no choice of clusters keeps at least 3 per cluster for 8 × web, there is room for a 2',
  ],
  [
    'NoGroupTakesAll',
    { 'group 1': 'no eligible cluster', 'group 2': 'NotEnoughCapacity (fitting 3)', Groups: '1' },
    'no group of clusters takes everything: group 1: no eligible cluster; group 2: NotEnoughCapacity (fitting 3)',
  ],
])('says of a group that is refused by %s %o: %s', (reason, facts, words) => {
  expect(refusalWords.ofGroup({ reason, facts })).toBe(words);
});
