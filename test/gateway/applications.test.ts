import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wire } from '#contract';
import { type Clients, type GatewayHarness, refusalOf, specOf, startGatewayHarness } from './harness.js';
import { placeApplication } from './placed.js';
import { countRows, rowsUnchangedBy } from './rows.js';

const project = 'tenants/default/projects/default';
const nameOf = (application: string) => `${project}/applications/${application}`;
const spec = (...of: Parameters<typeof specOf>) => ({ case: 'spec', value: specOf(...of) }) as const;

describe('applications through the gateway', () => {
  let harness: GatewayHarness;
  let owner: Clients;
  let operator: Clients;
  beforeAll(async () => {
    harness = await startGatewayHarness();
    owner = harness.as(harness.ownerKey);
    operator = harness.as(harness.operatorKey);
  });
  afterAll(() => harness.close());

  const used = async () =>
    (await harness.db.query<Record<string, string>>(`SELECT used_mcpu, used_pods FROM projects`))[0];

  it('takes an application in, charges it, and answers it as it then stands', async () => {
    const name = nameOf('first');
    const applied = await owner.applications.applyApplication({ name, source: spec(2, 'first') });
    expect(applied.changed).toBe(true);
    expect(applied.release?.name).toBe(`${project}/environments/default/releases/v1`);
    const got = await owner.applications.getApplication({ name });
    expect(got).toEqual(applied.application);
    expect(got.spec?.components[0]).toMatchObject({ name: 'first', replicas: 2, kind: wire.ComponentKind.SERVICE });
    expect(got.environments[0]).toMatchObject({ phase: wire.Phase.WAITING });
    expect(await used()).toEqual({ used_mcpu: '200', used_pods: '2' });
  });

  it('writes one audit entry and its announcements in the transaction of the change', async () => {
    const [entry] = await harness.db.query<Record<string, unknown>>(
      `SELECT a.actor, a.action, a.target, a.before, a.after->>'release' AS release,
         a.xmin = r.xmin AS same_transaction
       FROM audit a, releases r WHERE a.action = 'applications.apply' AND r.number = 1`,
    );
    expect(entry).toMatchObject({ action: 'applications.apply', target: nameOf('first'), before: null, release: 'v1' });
    expect(entry?.same_transaction).toBe(true);
    expect(entry?.actor).toMatch(/^tenants\/default\/apiKeys\/[a-z0-9]+$/);
  });

  it('changes nothing when the content is already so', async () => {
    await rowsUnchangedBy(harness.db, async () => {
      const applied = await owner.applications.applyApplication({ name: nameOf('first'), source: spec(2, 'first') });
      expect(applied.changed).toBe(false);
    });
  });

  it('checks everything and changes nothing with validate_only', async () => {
    await rowsUnchangedBy(harness.db, async () => {
      const request = { name: nameOf('dry'), source: spec(1, 'dry'), validateOnly: true };
      const applied = await owner.applications.applyApplication(request);
      expect(applied).toMatchObject({ changed: true, application: { name: nameOf('dry') } });
    });
  });

  it('gives a repeated request its first answer, and refuses its id to another request', async () => {
    const request = { name: nameOf('once'), source: spec(1, 'once'), requestId: 'r-1' };
    const first = await owner.applications.applyApplication(request);
    await rowsUnchangedBy(harness.db, async () => {
      expect(await owner.applications.applyApplication(request)).toEqual(first);
      const other = owner.applications.applyApplication({ ...request, source: spec(3, 'once') });
      const refusal = await refusalOf(other);
      expect(refusal.code).toBe('FAILED_PRECONDITION');
      expect(refusal.details.errorInfo?.reason).toBe('REQUEST_ID_REUSED');
    });
  });

  it('does a request once when it comes many times at once', async () => {
    const request = { name: nameOf('racing'), source: spec(1, 'racing'), requestId: 'r-racing' };
    const answers = await Promise.all(Array.from({ length: 8 }, () => owner.applications.applyApplication(request)));
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect(await countRows(harness.db, `releases WHERE application_id = 'racing'`)).toBe(1);
  });

  it('refuses a change that was made for an earlier etag', async () => {
    const name = nameOf('first');
    const { etag } = await owner.applications.getApplication({ name });
    await owner.applications.applyApplication({ name, source: spec(3, 'first'), etag });
    await rowsUnchangedBy(harness.db, async () => {
      const refusal = await refusalOf(owner.applications.applyApplication({ name, source: spec(4, 'first'), etag }));
      expect(refusal.code).toBe('ABORTED');
      expect(refusal.message).toContain(etag);
    });
  });

  it('supersedes a release that still waits, and gives its charge back', async () => {
    const phases = await harness.db.query<{ number: string; phase: string; charged_pods: string }>(
      `SELECT number, phase, charged_pods FROM releases WHERE application_id = 'first' ORDER BY number`,
    );
    expect(phases.map(({ phase, charged_pods }) => [phase, charged_pods])).toEqual([
      ['superseded', '0'],
      ['waiting', '3'],
    ]);
  });

  it('names an object that another application of the environment has, and whose it is', async () => {
    await rowsUnchangedBy(harness.db, async () => {
      const refusal = await refusalOf(
        owner.applications.applyApplication({ name: nameOf('second'), source: spec(1, 'first') }),
      );
      expect(refusal.code).toBe('ALREADY_EXISTS');
      expect(refusal.message).toContain('Deployment "first"');
      expect(refusal.message).toContain(nameOf('first'));
    });
  });

  it('refuses what is beyond the quota with what is left, and lets what asks for no more pass', async () => {
    const before = await used();
    const pods = BigInt(before?.used_pods ?? '0') + 2n;
    await operator.tenancy.setQuota({ name: project, quota: { pods } });
    await rowsUnchangedBy(harness.db, async () => {
      const refusal = await refusalOf(
        owner.applications.applyApplication({ name: nameOf('large'), source: spec(3, 'large') }),
      );
      expect(refusal.code).toBe('RESOURCE_EXHAUSTED');
      expect(refusal.details.quotaFailure?.violations[0]).toMatchObject({ subject: project });
      expect(refusal.message).toContain('2 pods left');
    });
    await operator.tenancy.setQuota({ name: project, quota: { pods: 0n } });
    const smaller = await owner.applications.applyApplication({ name: nameOf('first'), source: spec(1, 'first') });
    expect(smaller.changed).toBe(true);
    await operator.tenancy.setQuota({ name: project, quota: {} });
  });

  it('lists a project in pages whose tokens belong to their query', async () => {
    const names: string[] = [];
    let pageToken = '';
    do {
      const page = await owner.applications.listApplications({ parent: project, pageSize: 2, pageToken });
      names.push(...page.applications.map(({ name }) => name));
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    expect(names).toEqual([nameOf('first'), nameOf('once'), nameOf('racing')]);
    const page = await owner.applications.listApplications({ parent: project, pageSize: 2 });
    const wrong = owner.applications.listRevisions({ parent: nameOf('first'), pageToken: page.nextPageToken });
    const refusal = await refusalOf(wrong);
    expect(refusal.code).toBe('INVALID_ARGUMENT');
    expect(refusal.details.badRequest?.fieldViolations[0]?.field).toBe('page_token');
  });

  it('keeps every accepted content as a revision, and every release', async () => {
    const { revisions } = await owner.applications.listRevisions({ parent: nameOf('first') });
    expect(revisions.map(({ number }) => number)).toEqual([3n, 2n, 1n]);
    const second = await owner.applications.getRevision({ name: `${nameOf('first')}/revisions/2` });
    expect(second).toEqual(revisions[1]);
    const { releases } = await owner.applications.listReleases({ parent: `${project}/environments/default` });
    const newest = releases[0];
    expect(newest?.application).toBe(nameOf('first'));
    expect(await owner.applications.getRelease({ name: newest?.name ?? '' })).toEqual(newest);
  });

  it('takes Kubernetes manifests in through the same door', async () => {
    const content = [
      'apiVersion: apps/v1',
      'kind: Deployment',
      'metadata: {name: cart}',
      'spec:',
      '  replicas: 2',
      '  selector: {matchLabels: {app: cart}}',
      '  template:',
      '    metadata: {labels: {app: cart}}',
      '    spec: {containers: [{name: server, image: "redis:7", ports: [{containerPort: 6379}]}]}',
    ].join('\n');
    const applied = await owner.applications.applyApplication({
      name: nameOf('imported'),
      source: { case: 'manifests', value: { content } },
    });
    expect(applied.application?.spec?.components[0]).toMatchObject({ name: 'cart', replicas: 2 });
  });

  it('derives what a placed application is from what agents said, with the objects as the cluster gives them', async () => {
    const name = nameOf('placed');
    await owner.applications.applyApplication({ name, source: spec(2, 'placed') });
    await placeApplication(harness.db, { application: 'placed', component: 'placed', cluster: 'north', replicas: 2 });
    const environment = (await owner.applications.getApplication({ name })).environments[0];
    expect(environment).toMatchObject({ phase: wire.Phase.READY });
    const cluster = environment?.components[0]?.clusters[0];
    expect(cluster).toMatchObject({ cluster: 'clusters/north', freshness: wire.Freshness.FRESH });
    expect(cluster?.replicas).toMatchObject({ desired: 2, ready: 2 });
    expect(cluster?.objects[0]).toMatchObject({ kind: 'Deployment', uid: 'uid-1', resourceVersion: '42' });
    // the agent is back after who knows how long, and has not said yet what is there now
    await harness.db.query('UPDATE cluster_agents SET epoch = epoch + 1');
    const returned = (await owner.applications.getApplication({ name })).environments[0];
    expect(returned?.components[0]?.clusters[0]?.freshness).toBe(wire.Freshness.STALE);
    await harness.db.query(`UPDATE cluster_agents SET lease_expires_at = clock_timestamp() - interval '1 hour'`);
    const silent = (await owner.applications.getApplication({ name })).environments[0];
    expect(silent).toMatchObject({ phase: wire.Phase.UNKNOWN });
    expect(silent?.components[0]?.clusters[0]?.freshness).toBe(wire.Freshness.UNKNOWN);
  });

  it('explains a placement from the stored record', async () => {
    const decision = await owner.applications.explainApplication({ name: nameOf('placed') });
    expect(decision).toMatchObject({ placed: true, engineVersion: 'test-1' });
    expect(decision.placements[0]?.allotments[0]).toMatchObject({ cluster: 'clusters/north', replicas: 2 });
    expect(decision.groups[0]?.clusters.map(({ cluster, outcome }) => [cluster, outcome])).toEqual([
      ['clusters/north', wire.ClusterVerdict_Outcome.CHOSEN],
      ['clusters/south', wire.ClusterVerdict_Outcome.REFUSED],
    ]);
    const refusal = await refusalOf(owner.applications.explainApplication({ name: nameOf('first') }));
    expect(refusal.code).toBe('NOT_FOUND');
  });

  it('deletes at once what holds nothing, and begins to take away what is placed', async () => {
    const gone = await owner.applications.deleteApplication({ name: nameOf('once') });
    expect(gone).toMatchObject({ done: true, kind: 'applications.delete', target: nameOf('once') });
    expect((await refusalOf(owner.applications.getApplication({ name: nameOf('once') }))).code).toBe('NOT_FOUND');

    const running = await owner.applications.deleteApplication({ name: nameOf('placed') });
    expect(running.done).toBe(false);
    expect(await owner.applications.deleteApplication({ name: nameOf('placed') })).toEqual(running);
    expect(await owner.operations.getOperation({ name: running.name })).toEqual(running);
    const placed = await owner.applications.getApplication({ name: nameOf('placed') });
    expect(placed.deleteTime).toBeDefined();
    expect(placed.environments[0]).toMatchObject({ phase: wire.Phase.REMOVING });
    const again = await refusalOf(
      owner.applications.applyApplication({ name: nameOf('placed'), source: spec(1, 'placed') }),
    );
    expect(again.code).toBe('FAILED_PRECONDITION');
  });

  it('shows the priority of an application in its content and its release, and refuses one out of bounds', async () => {
    const name = nameOf('urgent');
    const content = { ...specOf(1, 'urgent'), priority: -20 };
    const applied = await owner.applications.applyApplication({ name, source: { case: 'spec', value: content } });
    expect(applied.application?.spec?.priority).toBe(-20);
    expect(applied.release?.priority).toBe(-20);
    const release = await owner.applications.getRelease({ name: applied.release?.name ?? '' });
    expect(release.priority).toBe(-20);
    const far = { ...content, priority: 1_000_001 };
    const refused = await refusalOf(
      owner.applications.applyApplication({ name, source: { case: 'spec', value: far } }),
    );
    expect(refused.details.badRequest?.fieldViolations).toMatchObject([
      { field: 'spec.priority', description: 'found 1000001; must be a whole number, -1000000 to 1000000' },
    ]);
    await owner.applications.deleteApplication({ name });
  });
});
