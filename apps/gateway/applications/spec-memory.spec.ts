import { describe, expect, it } from 'vitest';
import { type ApplicationSpec, anywhere } from '#domain';
import { RecentSpecs } from './spec-memory.js';

const spec = (): ApplicationSpec => ({ components: [], placement: anywhere });
const shop = { tenant: 'acme', project: 'default', application: 'shop' };
const asked = (...applications: string[]) => ({ tenant: 'acme', project: 'default', applications });

describe('contents that are kept', () => {
  it('are given back by uid and revision, the newest of each application', () => {
    const specs = new RecentSpecs();
    const [first, second] = [spec(), spec()];
    specs.keep(shop, 'u:1', first, 100);
    expect(specs.recall(asked('shop', 'blog'))).toEqual(new Map([['u:1', first]]));
    specs.keep(shop, 'u:2', second, 100);
    expect([...specs.recall(asked('shop')).keys()]).toEqual(['u:2']);
  });

  it('stay with what was recalled, though a newer one has come meanwhile', () => {
    const specs = new RecentSpecs();
    const first = spec();
    specs.keep(shop, 'u:1', first, 100);
    const recalled = specs.recall(asked('shop'));
    specs.keep(shop, 'u:2', spec(), 100);
    expect(recalled.get('u:1')).toBe(first);
  });

  it('are never another tenant’s', () => {
    const specs = new RecentSpecs();
    specs.keep(shop, 'u:1', spec(), 100);
    expect(specs.recall({ tenant: 'globex', project: 'default', applications: ['shop'] }).size).toBe(0);
  });

  it('take no more room than they may: the least recently used go, large ones are not kept', () => {
    const specs = new RecentSpecs();
    specs.keep(shop, 'u:1', spec(), 32 * 1024 + 1);
    expect(specs.recall(asked('shop')).size).toBe(0);
    for (let index = 0; index < 200; index++) {
      specs.keep({ ...shop, application: `app-${index}` }, `u${index}:1`, spec(), 32 * 1024);
      specs.recall(asked('app-0'));
    }
    const names = Array.from({ length: 200 }, (_, index) => `app-${index}`);
    const kept = [...specs.recall(asked(...names)).keys()];
    expect(kept).toHaveLength(128);
    expect(kept).toContain('u0:1');
    expect(kept).toContain('u199:1');
    expect(kept).not.toContain('u1:1');
  });
});
