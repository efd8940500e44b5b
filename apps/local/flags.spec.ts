import { expect, it } from 'vitest';
import { readHollowFlags, readPatienceMs } from './flags.js';

const usual = { nodes: '3', cpu: '4', memory: '16Gi' };

it('takes Kubernetes’ quantities for nodes', () => {
  const flags = { nodes: '1000', cpu: '500m', memory: '2G' };
  expect(readHollowFlags('leipzig', flags)).toEqual({
    name: 'leipzig',
    nodes: { count: 1000, cpu: '500m', memory: '2G' },
  });
});

it.each([
  ['cpu', 'abc', 'cores above 0, like 4, 1.5 or 500m'],
  ['cpu', '-1', 'cores above 0, like 4, 1.5 or 500m'],
  ['cpu', '0', 'cores above 0, like 4, 1.5 or 500m'],
  ['memory', '16 GB', 'bytes above 0, like 16Gi, 512Mi or 2G'],
  ['memory', '', 'bytes above 0, like 16Gi, 512Mi or 2G'],
  ['nodes', '0', 'a whole number from 1 to 1000'],
  ['nodes', '1001', 'a whole number from 1 to 1000'],
  ['nodes', '1e2', 'a whole number from 1 to 1000'],
])('refuses --%s %j, saying what is allowed', (flag, found, allowed) => {
  expect(() => readHollowFlags('leipzig', { ...usual, [flag]: found })).toThrow(
    `--${flag} is ${JSON.stringify(found)}; allowed: ${allowed}`,
  );
});

it('names everything that is wrong, a line each', () => {
  const lines = /^the name is "Leipzig"; .*\n--nodes is "no"; .*\n--cpu is "x"; .*\n--memory is "y"; .*$/;
  expect(() => readHollowFlags('Leipzig', { nodes: 'no', cpu: 'x', memory: 'y' })).toThrow(lines);
});

it('reads how patient the demo is', () => {
  expect(readPatienceMs('90')).toBe(90_000);
  for (const found of ['abc', '0', '-1', '1.5', ''])
    expect(() => readPatienceMs(found)).toThrow(`--patience is "${found}"; allowed: whole seconds from 1 to 86400`);
});
