import { describe, expect, it } from 'vitest';
import { anywhere } from '#domain';
import type { NamedApplication } from '#store';
import { RecentAnswers } from './recent-answers.js';

const acme = { tenant: 'acme', project: 'default' };

const row = (application: string, digest: string, version = 1n): NamedApplication => ({
  application,
  digest,
  stored: {
    ...acme,
    application,
    uid: '019a0000-0000-7000-8000-000000000001',
    version,
    revision: 1n,
    createdAt: new Date(0),
    updatedAt: new Date(0),
    deletedAt: null,
    spec: { components: [], placement: anywhere },
    releases: [],
    works: [],
  },
});

describe('answers that are given again', () => {
  it('are known by the digest of everything they depend on, the newest of each application', () => {
    const answers = new RecentAnswers();
    const first = answers.keep(acme, row('shop', 'a'));
    expect(answers.recall({ ...acme, applications: ['shop', 'blog'] })).toEqual(new Map([['a', first]]));
    answers.keep(acme, row('shop', 'b', 2n));
    expect([...answers.recall({ ...acme, applications: ['shop'] }).keys()]).toEqual(['b']);
  });

  it('stay with whoever recalled them, though a newer one has come meanwhile', () => {
    const answers = new RecentAnswers();
    const first = answers.keep(acme, row('shop', 'a'));
    const recalled = answers.recall({ ...acme, applications: ['shop'] });
    answers.keep(acme, row('shop', 'b', 2n));
    expect(recalled.get('a')).toBe(first);
  });

  it('are never looked for under another tenant', () => {
    const answers = new RecentAnswers();
    answers.keep(acme, row('shop', 'a'));
    expect(answers.recall({ tenant: 'globex', project: 'default', applications: ['shop'] }).size).toBe(0);
  });

  it('are bounded: the least recently used go first', () => {
    const answers = new RecentAnswers();
    for (let index = 0; index < 2_100; index++) {
      answers.keep(acme, row(`app-${index}`, `digest-${index}`));
      answers.recall({ ...acme, applications: ['app-0'] });
    }
    const kept = answers.recall({ ...acme, applications: Array.from({ length: 2_100 }, (_, index) => `app-${index}`) });
    expect(kept.size).toBe(2_000);
    expect(kept.has('digest-0')).toBe(true);
    expect(kept.has('digest-1')).toBe(false);
  });
});
