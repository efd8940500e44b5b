import { describe, expect, it } from 'vitest';
import { hintsOf, PendingHints } from './hints.js';
import type { Announcement } from './transaction.js';

const about = (kind: Announcement['kind'], resource: string): Announcement => ({ tenant: 'acme', kind, resource });

describe('hints', () => {
  it('carry each release and each cluster with new works once, and nothing else', () => {
    const pending = new PendingHints();
    pending.add([about('application', 'shop/web'), about('release', 'shop/live/3'), about('work', 'north')]);
    pending.add([about('work', 'north'), about('work', 'south')]);
    expect(hintsOf(pending.take())).toEqual([
      { kind: 'release', resource: 'shop/live/3' },
      { kind: 'work', resource: 'north' },
      { kind: 'work', resource: 'south' },
    ]);
    expect(hintsOf(pending.take())).toEqual([]);
  });

  it('stay within what a notification takes', () => {
    const pending = new PendingHints();
    for (let each = 0; each < 2_000; each++) pending.add([about('work', `cluster-${each}`)]);
    const text = pending.take();
    expect(Buffer.byteLength(text)).toBeLessThan(8_000);
    expect(hintsOf(text).length).toBeGreaterThan(400);
  });

  it('are passed over when a newer process says more', () => {
    expect(hintsOf('work north\nweather fine\nrelease\n')).toEqual([{ kind: 'work', resource: 'north' }]);
    expect(hintsOf(undefined)).toEqual([]);
  });
});
