import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isJsonObject, type JsonObject, type StatusReason } from '#domain';
import { connectCluster, identityOf, isNotFound, type KubeClient } from '#kube';
import type { RunningAgent } from '../../apps/agent/index.js';
import { startAdmissionWebhook, type Verdict } from '../kubernetes/admission-webhook.js';
import { type FaultyAnswer, type FaultyServer, startFaultyServer } from '../kubernetes/faulty-server.js';
import { describeMembers, type TestMembers } from '../kubernetes/members.js';
import { configMap, deployment, eventually, type LineHarness, namespace, startLineHarness } from '../line/harness.js';

interface StatusRow {
  phase: string;
  generation: string;
  reasons: StatusReason[];
}

const cluster = 'bad';
const patience = 60_000;

/** What a member does to Berth: a typed reason at the work that it befell, and at no other; and it heals by itself. */
describeMembers(
  'what befalls a work in its member gives it a typed reason, others none, and heals by itself',
  (flavour) => {
    const isReal = flavour.name !== 'hollow';
    let harness: LineHarness;
    let members: TestMembers;
    let server: FaultyServer;
    let hand: KubeClient;
    let agent: RunningAgent;

    beforeAll(async () => {
      harness = await startLineHarness();
      members = await flavour.start([cluster], { count: 2, cpu: '8', memory: '8Gi' });
      const [member] = members.members;
      if (member === undefined) throw new Error('no member was started');
      const { url, ca, token } = member.access;
      server = await startFaultyServer({ url, ca });
      hand = await connectCluster(member.access, { userAgent: 'kubectl/1' });
      agent = await harness.agent({ member: { url: server.url, token }, token: await harness.register(cluster) });
    });
    afterAll(async () => {
      await harness?.close();
      await hand?.close();
      await server?.close();
      await members?.close();
    });

    const statusOf = async (id: string): Promise<StatusRow | undefined> =>
      (
        await harness.database.query<StatusRow>(
          'SELECT phase, generation, reasons FROM work_status WHERE work_id = $1',
          [id],
        )
      )[0];
    const put = (component: string, manifests: JsonObject[], id?: string) =>
      harness.putWork({ cluster, component, manifests: () => manifests, ...(id === undefined ? {} : { id }) });
    const until = (id: string, holds: (row: StatusRow) => boolean) =>
      eventually(
        () => statusOf(id),
        (row) => row !== undefined && holds(row),
        patience,
      );
    const reasonOf = async (id: string): Promise<StatusReason | undefined> =>
      (await until(id, ({ reasons }) => reasons.length > 0))?.reasons[0];
    const isWell = (generation: bigint) => (row: StatusRow) =>
      row.phase === 'ready' && row.generation === generation.toString() && row.reasons.length === 0;
    /** Another work of the same cluster comes and becomes ready while the first is ill. */
    const restGoesOn = async (name: string) => {
      const other = await put(name, [configMap(name, {})]);
      await until(other.id, isWell(other.generation));
    };

    const answers: readonly [FaultyAnswer, string, RegExp][] = [
      ['too-many-requests', 'TooManyRequests', /asks to slow down/],
      ['internal-error', 'ServerFault', /out of order/],
      ['half', 'ServerFault|ClusterUnreachable', /./],
      ['garbage', 'ServerFault', /./],
    ];
    it.each(answers)(
      'an API server that answers %s',
      async (how, reason, message) => {
        const name = `answers-${how}`;
        const end = server.answer(new RegExp(`^PATCH .*/configmaps/${name}\\b`), how);
        const work = await put(name, [configMap(name, {})]);
        const told = await reasonOf(work.id);
        expect(told?.reason).toMatch(new RegExp(`^(${reason})$`));
        expect(told?.message).toMatch(message);
        expect((await statusOf(work.id))?.phase).not.toBe('failed');
        await restGoesOn(`beside-${name}`);
        end();
        await until(work.id, isWell(work.generation));
      },
      120_000,
    );

    it.each(['internal-error', 'half', 'garbage'] as const)(
      'an API server that answers %s to everything',
      async (how) => {
        const name = `all-${how}`;
        const before = server.wrongAnswers();
        const end = server.answer(/./, how);
        const work = await put(name, [configMap(name, {})]);
        await eventually(
          async () => server.wrongAnswers() - before,
          (count) => count > 5,
          patience,
        );
        end();
        await until(work.id, isWell(work.generation));
      },
      120_000,
    );

    it('a namespace that is being deleted', async () => {
      const first = await put('first', [configMap('first', {})]);
      await until(first.id, isWell(first.generation));
      const ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace, name: 'held' };
      const metadata = { name: 'held', namespace, finalizers: ['their.own/hold'] };
      await hand.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata }, { fieldManager: 'their-own' });
      const home = { apiVersion: 'v1', kind: 'Namespace', namespace: '', name: namespace };
      const { uid } = identityOf(await hand.get(home));
      await hand.delete(home, { uid, propagation: 'Background' });
      const late = await put('late', [configMap('late', {})]);
      expect((await reasonOf(late.id))?.reason).toBe('NamespaceTerminating');
      await hand.patchMerge(ref, { metadata: { finalizers: null } });
      for (const work of [first, late]) await until(work.id, isWell(work.generation));
      expect(identityOf(await hand.get(home)).uid).not.toBe(uid);
    }, 120_000);

    it('a kind that the cluster lacks', async () => {
      const group = 'harbour.example';
      const boat = {
        apiVersion: `${group}/v1`,
        kind: 'Boat',
        metadata: { name: 'tug', namespace },
        spec: { length: 12 },
      };
      const work = await put('boat', [boat]);
      const told = await reasonOf(work.id);
      expect(told).toMatchObject({ reason: 'KindOrNamespaceMissing', message: expect.stringContaining('Boat') });
      await restGoesOn('beside-boat');
      const schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
      await hand.apply(
        {
          ...{ apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' },
          metadata: { name: `boats.${group}` },
          spec: {
            group,
            scope: 'Namespaced',
            names: { kind: 'Boat', plural: 'boats' },
            versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema } }],
          },
        },
        { fieldManager: 'their-own' },
      );
      await until(work.id, isWell(work.generation));
    }, 120_000);

    describe.skipIf(!isReal)('with what hollow clusters have not', () => {
      it('an object that etcd does not take', async () => {
        const big = deployment('big', 'w', 1);
        const work = await put('big', [withEnvironment(big, 'x'.repeat(1_600_000))]);
        const told = await reasonOf(work.id);
        expect(told).toMatchObject({ reason: 'ObjectTooLarge', message: expect.stringContaining('too large') });
        expect((await statusOf(work.id))?.phase).toBe('failed');
        await restGoesOn('beside-big');
        const smaller = await put('big', [withEnvironment(big, 'x'.repeat(1_000))], work.id);
        await until(
          work.id,
          ({ generation, reasons }) => generation === `${smaller.generation}` && reasons.length === 0,
        );
      }, 120_000);

      it('a quota of objects that is used up, by what is new and by what changes, until it grows', async () => {
        const metadata = { name: 'full', namespace };
        const ref = { apiVersion: 'v1', kind: 'ResourceQuota', ...metadata };
        const quotaOf = (hard: string): JsonObject => ({
          ...{ apiVersion: 'v1', kind: 'ResourceQuota', metadata },
          spec: { hard: { 'count/serviceaccounts': hard } },
        });
        const account = (name: string): JsonObject => ({
          ...{ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } },
        });
        const grown = await put('grown', [configMap('grown', {})]);
        await until(grown.id, isWell(grown.generation));
        const { object } = await hand.apply(quotaOf('0'), { fieldManager: 'their-own' });
        const isCounted = async () => {
          const { status } = await hand.get(ref);
          return isJsonObject(status) && isJsonObject(status.hard) && status.hard['count/serviceaccounts'] === '0';
        };
        await eventually(isCounted, (counted) => counted, patience);
        const works = [
          await put('new', [account('new')]),
          await put('grown', [configMap('grown', {}), account('grown')], grown.id),
        ];
        for (const { id } of works) {
          const told = await reasonOf(id);
          expect(told).toMatchObject({
            reason: 'QuotaExceeded',
            message: expect.stringMatching(
              /exceeded quota: full, requested: count\/serviceaccounts=1, used: .*=\d, limited: .*=0/,
            ),
          });
          expect(told?.refusedGeneration).toBeUndefined();
        }
        const phases = await Promise.all(works.map(async ({ id }) => (await statusOf(id))?.phase));
        expect(phases).toEqual(['applying', 'degraded']);
        await restGoesOn('beside-full');
        await hand.apply(quotaOf('9'), { fieldManager: 'their-own' });
        for (const { id, generation } of works) await until(id, isWell(generation));
        const { uid } = identityOf(object);
        await hand.delete(ref, { uid, propagation: 'Background' });
      }, 120_000);

      it('a quota that is used up', async () => {
        const metadata = { name: 'none', namespace };
        const quota = { apiVersion: 'v1', kind: 'ResourceQuota', metadata, spec: { hard: { pods: '0' } } };
        const { object } = await hand.apply(quota, { fieldManager: 'their-own' });
        const isCounted = async () => {
          const { status } = await hand.get({ apiVersion: 'v1', kind: 'ResourceQuota', ...metadata });
          return isJsonObject(status) && isJsonObject(status.hard) && status.hard.pods === '0';
        };
        await eventually(isCounted, (counted) => counted, patience);
        const id = '11111111-0000-4000-8000-000000000001';
        await put('poor', [deployment('poor', id, 1)], id);
        const told = await reasonOf(id);
        expect(told).toMatchObject({ reason: 'FailedCreate', message: expect.stringContaining('exceeded quota') });
        await restGoesOn('beside-poor');
        const { uid } = identityOf(object);
        await hand.delete({ apiVersion: 'v1', kind: 'ResourceQuota', ...metadata }, { uid, propagation: 'Background' });
        await until(id, isWell(1n));
      }, 120_000);

      it.each([
        ['refuse', 'Forbidden', /admission webhook "refuse\.policy\.example" denied the request: no cats on board/],
        ['hang', 'ServerFault|ClusterUnreachable', /./],
      ] as const)(
        'an admission webhook that would %s',
        async (how, reason, message) => {
          const name = `judged-${how}`;
          let verdict: Verdict = how;
          const webhook = await startAdmissionWebhook((judged) => (judged === name ? verdict : 'allow'));
          const { object } = await hand.apply(webhook.configuration(how), { fieldManager: 'their-own' });
          try {
            // a webhook counts a moment after it is configured
            await eventually(
              () => isJudged(name),
              (judged) => judged,
              patience,
            );
            const work = await put(name, [configMap(name, {})]);
            const told = await reasonOf(work.id);
            expect(told?.reason).toMatch(new RegExp(`^(${reason})$`));
            expect(told?.message).toMatch(message);
            await restGoesOn(`beside-${name}`);
            verdict = 'allow';
            await until(work.id, isWell(work.generation));
          } finally {
            await hand.delete(identityOf(object), { uid: identityOf(object).uid, propagation: 'Background' });
            await webhook.close();
          }
        },
        120_000,
      );

      const isJudged = async (name: string): Promise<boolean> => {
        const probe = configMap(name, {});
        const labels = { 'berth.dev/work': 'probe' };
        try {
          await hand.apply(
            { ...probe, metadata: { name, namespace, labels } },
            { fieldManager: 'probe', dryRun: true, timeoutMs: 8_000 },
          );
          return false;
        } catch (error) {
          if (isNotFound(error)) throw error;
          return true;
        }
      };
    });

    it('has never ended its agent', async () => {
      const stillRuns = Promise.resolve('still runs');
      expect(await Promise.race([agent.done.then(() => 'has ended'), stillRuns])).toBe('still runs');
    });
  },
);

function withEnvironment(manifest: JsonObject, value: string): JsonObject {
  const { spec } = manifest;
  if (!isJsonObject(spec) || !isJsonObject(spec.template)) return manifest;
  const containers = [{ name: 'main', image: 'example.test/app:1', env: [{ name: 'BIG', value }] }];
  return { ...manifest, spec: { ...spec, template: { ...spec.template, spec: { containers } } } };
}
