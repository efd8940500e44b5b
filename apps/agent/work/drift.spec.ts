import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LostValue } from '#kube';
import { decide, driftsOf, parted, RepairLedger } from './drift.js';

const minute = 60_000;
const ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'n', name: 'c' };
const lostTo = (manager: string, operation: 'Apply' | 'Update', found: string | undefined = 'theirs'): LostValue => ({
  path: '.data.a',
  segments: ['f:data', 'f:a'],
  holders: manager === '' ? [] : [{ manager, operation, at: 1 }],
  ordered: 'ours',
  found,
});
const about = (...lost: LostValue[]) => ({ key: 'k', lost });

describe('decide', () => {
  it('puts back what was updated or removed, tells or leaves it where that is the policy', () => {
    expect(decide('repair', about(lostTo('kubectl', 'Update')), new RepairLedger(), 0)).toEqual({ kind: 'put-back' });
    expect(decide('repair', about(lostTo('', 'Update')), new RepairLedger(), 0)).toEqual({ kind: 'put-back' });
    expect(decide('report', about(lostTo('kubectl', 'Update')), new RepairLedger(), 0)).toEqual({ kind: 'tell' });
    expect(decide('adopt', about(lostTo('argocd', 'Apply')), new RepairLedger(), 0)).toEqual({ kind: 'leave' });
  });

  it('never puts back what another manager applies, whoever else has it', () => {
    const both = about(lostTo('kubectl', 'Update'), lostTo('argocd', 'Apply'));
    expect(decide('repair', both, new RepairLedger(), 0)).toEqual({ kind: 'conflict' });
    const same = about(lostTo('argocd', 'Apply', 'ours'));
    expect(decide('repair', same, new RepairLedger(), 0)).toEqual({ kind: 'put-back' });
  });
});

describe('parted', () => {
  it('leaves to others what they apply, and all of it where there is nothing else', () => {
    const [edited, theirs, shared] = [
      lostTo('kubectl', 'Update'),
      lostTo('argocd', 'Apply'),
      lostTo('argocd', 'Apply', 'ours'),
    ];
    expect(parted([edited, theirs, shared])).toEqual({ free: [edited, shared], left: [theirs] });
    expect(parted([theirs])).toEqual({ free: [theirs], left: [] });
    expect(parted([edited])).toEqual({ free: [edited], left: [] });
  });
});

describe('RepairLedger', () => {
  it('pauses after three repairs within ten minutes, twice as long after each further one', () => {
    const ledger = new RepairLedger();
    const at = (time: number) => ledger.allow('k', ['a'], time);
    expect([at(0), at(1), at(2)]).toEqual([undefined, undefined, undefined]);
    expect(at(3)).toBe(3 + minute);
    expect(at(4)).toBe(3 + minute);
    expect(at(3 + minute), 'one more after the pause').toBeUndefined();
    expect(at(4 + minute)).toBe(4 + 3 * minute);
    expect(at(4 + 3 * minute)).toBeUndefined();
    expect(at(5 + 3 * minute)).toBe(5 + 7 * minute);
  });

  it('begins anew for another field, and after ten quiet minutes', () => {
    const ledger = new RepairLedger();
    for (const time of [0, 1, 2]) ledger.allow('k', ['a'], time);
    expect(ledger.allow('k', ['b'], 3)).toBeUndefined();
    expect(ledger.allow('k', ['a'], 11 * minute)).toBeUndefined();
  });

  it('allows at most three repairs and one for each pause, whenever they are asked for', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 5_000 }), { minLength: 1, maxLength: 400 }), (gaps) => {
        const ledger = new RepairLedger();
        let now = 0;
        const done: number[] = [];
        for (const gap of gaps) {
          now += gap;
          if (ledger.allow('k', ['a'], now) === undefined) done.push(now);
        }
        const inFirstTen = done.filter((time) => time - (done[0] ?? 0) < 10 * minute);
        // pauses of 1, 2, 4 and 8 minutes begin within ten
        expect(inFirstTen.length).toBeLessThanOrEqual(3 + 4);
      }),
    );
  });
});

describe('driftsOf', () => {
  it('tells path, values, manager and time, and nothing of what is as ordered again', () => {
    expect(driftsOf(ref, [lostTo('kubectl', 'Update'), lostTo('kubectl', 'Update', 'ours')])).toEqual([
      { object: ref, path: 'data.a', ordered: '"ours"', found: '"theirs"', manager: 'kubectl', changedAt: 1 },
    ]);
    expect(driftsOf(ref, [lostTo('', 'Update', undefined)])).toMatchObject([{ found: '"theirs"', manager: '' }]);
  });

  it('tells no value of a Secret, and yet whether two are the same', () => {
    const secret = { ...ref, kind: 'Secret' };
    const [drift] = driftsOf(secret, [lostTo('kubectl', 'Update')]);
    expect(drift?.ordered).toMatch(/^hmac:[0-9a-f]{16}$/);
    expect(JSON.stringify(drift)).not.toContain('theirs');
    expect(driftsOf(secret, [lostTo('another', 'Update')])[0]?.found).toBe(drift?.found);
  });
});
