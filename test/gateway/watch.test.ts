import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { wire } from '#contract';
import { type Clients, type GatewayHarness, refusalOf, specOf, startGatewayHarness } from './harness.js';

const project = 'tenants/default/projects/default';
const nameOf = (application: string) => `${project}/applications/${application}`;
const deadlineMs = 20_000;

/** Reads a watch one message at a time. */
class Watcher {
  readonly #leaving = new AbortController();
  readonly #messages: AsyncIterator<wire.WatchApplicationsResponse>;

  constructor(clients: Clients, request: { name: string; resumeToken?: string }) {
    const settings = { signal: this.#leaving.signal, deadlineMs };
    this.#messages = clients.applications.watchApplications(request, settings)[Symbol.asyncIterator]();
  }

  async next(): Promise<wire.WatchApplicationsResponse> {
    const { value, done } = await this.#messages.next();
    if (done === true || value === undefined) throw new Error('the watch has ended');
    return value;
  }

  /** Reads on until a message that fits. */
  async until(fits: (message: wire.WatchApplicationsResponse) => boolean): Promise<wire.WatchApplicationsResponse> {
    for (;;) {
      const message = await this.next();
      if (fits(message)) return message;
    }
  }

  leave(): void {
    this.#leaving.abort();
  }
}

const changed = (message: wire.WatchApplicationsResponse): wire.Application | undefined =>
  message.event.case === 'changed' ? message.event.value : undefined;

describe('watching applications', () => {
  let harness: GatewayHarness;
  let owner: Clients;
  beforeAll(async () => {
    harness = await startGatewayHarness();
    owner = harness.as(harness.ownerKey);
    await apply('here', 1);
  });
  afterAll(() => harness.close());

  const apply = (application: string, replicas: number) =>
    owner.applications.applyApplication({
      name: nameOf(application),
      source: { case: 'spec', value: specOf(replicas, application) },
    });

  it('sends what is there, says so, then every change, then what goes', async () => {
    const watcher = new Watcher(owner, { name: project });
    expect(changed(await watcher.next())?.name).toBe(nameOf('here'));
    const synced = await watcher.next();
    expect(synced.event.case).toBe('synced');
    expect(synced.resumeToken).toMatch(/^[a-z0-9]+\.\d+$/);
    await apply('later', 1);
    const later = await watcher.until((message) => changed(message)?.name === nameOf('later'));
    expect(later.resumeToken).not.toBe('');
    await owner.applications.deleteApplication({ name: nameOf('later') });
    const gone = await watcher.until(({ event }) => event.case === 'deleted');
    expect(gone.event.value).toBe(nameOf('later'));
    watcher.leave();
  });

  it('resumes where an earlier watch stopped, without a first round', async () => {
    const first = new Watcher(owner, { name: project });
    const { resumeToken } = await first.until(({ event }) => event.case === 'synced');
    first.leave();
    await apply('meanwhile', 1);
    const second = new Watcher(owner, { name: project, resumeToken });
    const told = await second.until((message) => {
      expect(message.event.case).not.toBe('synced');
      return changed(message)?.name === nameOf('meanwhile');
    });
    expect(told.resumeToken).not.toBe('');
    second.leave();
  });

  it('watches one application and hears of no other', async () => {
    const watcher = new Watcher(owner, { name: nameOf('here') });
    await watcher.until(({ event }) => event.case === 'synced');
    await apply('elsewhere', 1);
    await apply('here', 2);
    const message = await watcher.next();
    expect(changed(message)?.name).toBe(nameOf('here'));
    watcher.leave();
  });

  it('never goes backwards and ends at the latest state under a storm of changes', async () => {
    const watcher = new Watcher(owner, { name: nameOf('here') });
    await watcher.until(({ event }) => event.case === 'synced');
    for (let replicas = 3; replicas <= 30; replicas++) await apply('here', replicas);
    let last = 0n;
    await watcher.until((message) => {
      const revision = changed(message)?.revision ?? 0n;
      expect(revision).toBeGreaterThanOrEqual(last);
      last = revision;
      return changed(message)?.spec?.components[0]?.replicas === 30;
    });
    watcher.leave();
  });

  it('refuses a token of another life of the store, and text that is none', async () => {
    const expired = await refusalOf(new Watcher(owner, { name: project, resumeToken: 'otherlife.3' }).next());
    expect(expired.code).toBe('OUT_OF_RANGE');
    expect(expired.details.errorInfo?.reason).toBe('RESUME_TOKEN_EXPIRED');
    const ahead = await harness.db.query<{ id: string }>('SELECT id FROM incarnation');
    const future = `${ahead[0]?.id}.999999999`;
    expect((await refusalOf(new Watcher(owner, { name: project, resumeToken: future }).next())).code).toBe(
      'OUT_OF_RANGE',
    );
    const nonsense = await refusalOf(new Watcher(owner, { name: project, resumeToken: 'nonsense' }).next());
    expect(nonsense.code).toBe('INVALID_ARGUMENT');
  });

  it('ends when the key that it came with is revoked', async () => {
    const made = await owner.tenancy.createApiKey({ parent: 'tenants/default', role: 1 });
    const watcher = new Watcher(harness.as(made.secret), { name: project });
    await watcher.until(({ event }) => event.case === 'synced');
    await owner.tenancy.revokeApiKey({ name: made.apiKey?.name ?? '' });
    const refusal = await refusalOf(watcher.next());
    expect(refusal.code).toBe('UNAUTHENTICATED');
    expect(refusal.details.errorInfo?.reason).toBe('KEY_REVOKED');
  });
});
