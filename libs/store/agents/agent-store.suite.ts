import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Inventory,
  noFindings,
  type ObjectRef,
  type TombstoneOutcome,
  Unavailable,
  type WorkStatus,
} from '#domain';
import type { AgentStore, FleetNews } from './port.js';
import type { StatusWrite } from './status-write.js';

/** A store with what others than the hub do to it, and what they read. */
export interface AgentStoreBench {
  store: AgentStore;
  incarnation: string;
  registerCluster(cluster: string): Promise<void>;
  /** A new work, or the next generation of one. */
  putWork(order: { cluster: string; id?: string }): Promise<{ id: string; sequence: bigint; generation: bigint }>;
  putTombstone(order: { cluster: string; workId: string; object: ObjectRef; uid: string }): Promise<string>;
  outcomeOf(tombstoneId: string): Promise<TombstoneOutcome | undefined>;
  statusOf(workId: string): Promise<{ epoch: bigint; sequence: bigint; phase: string } | undefined>;
  freshnessOf(workId: string): Promise<string>;
  phaseOf(cluster: string): Promise<string>;
  revoke(serial: string): Promise<void>;
  /** About what the store's clock says. */
  now(): number;
  /** Time goes by on the store's clock, for this cluster's lease. */
  pass(cluster: string, ms: number): Promise<void>;
  /** The next transaction meets this; `conflicts`: so many times in a row. */
  lose(which: 'before-commit' | 'after-commit'): Promise<void>;
  conflicts(times: number): Promise<void>;
  close(): Promise<void>;
}

const leaseTtlMs = 60_000;

const status = (workId: string, phase: WorkStatus['phase'] = 'ready'): WorkStatus => ({
  workId,
  generation: 1n,
  phase,
  replicas: { desired: 1, updated: 1, ready: 1, unavailable: 0, restarts: 0 },
  reasons: [],
  objects: [],
  findings: noFindings,
});

const write = (
  line: { cluster: string; epoch: bigint },
  sequence: bigint,
  works: readonly WorkStatus[],
  more: Partial<StatusWrite> = {},
): StatusWrite => ({ ...line, sequence, works, tombstones: [], fullReportFrom: undefined, ...more });

const inventory = (schemaDigest = ''): Inventory => ({
  reflected: { upTo: 0n, except: [] },
  storageClasses: [],
  serverVersion: 'v1.36.0',
  nodes: 1,
  readyNodes: 1,
  allocatable: { mcpu: 1000, memoryBytes: 1, pods: 1 },
  foreignRequests: { mcpu: 0, memoryBytes: 0, pods: 0 },
  berthRequests: { mcpu: 0, memoryBytes: 0, pods: 0 },
  classes: [],
  measured: undefined,
  kinds: [],
  schemaDigest,
});

const object = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'n', name: 'web' };

/** What every store of the agents' line does, with the same conflicts, lost connections and unknown outcomes. */
export function describeAgentStore(name: string, start: () => Promise<AgentStoreBench>): void {
  describe(`the agents' store: ${name}`, () => {
    let bench: AgentStoreBench;
    let clusters = 0;
    beforeAll(async () => {
      bench = await start();
    });
    afterAll(() => bench.close());

    const aCluster = async (): Promise<string> => {
      const cluster = `cluster-${++clusters}`;
      await bench.registerCluster(cluster);
      return cluster;
    };
    const open = async (cluster: string, sequence?: bigint, incarnation = bench.incarnation) =>
      bench.store.openLine({
        ...{ cluster, hubId: 'hub', hubAddress: 'hub:7443', agentVersion: '1', memberUid: 'member' },
        ...{ instanceId: 'one', hostName: 'host' },
        resumeFrom: sequence === undefined ? undefined : { incarnation, sequence },
      });
    const aLine = async (cluster: string): Promise<{ cluster: string; epoch: bigint }> => {
      const grant = await open(cluster);
      if (grant.kind !== 'granted') throw new Error(`no line: ${grant.kind}`);
      return { cluster, epoch: grant.epoch };
    };
    const beat = (line: { cluster: string; epoch: bigint }, reported?: Inventory) =>
      bench.store.storeHeartbeats([{ ...line, appliedWorkSequence: 0n, inventory: reported }], leaseTtlMs);

    lines();
    backlog();
    reports();
    leases();
    faults();

    function lines(): void {
      it('grants a newer epoch with every line, and stores nothing of an older one', async () => {
        const cluster = await aCluster();
        const old = await aLine(cluster);
        const young = await aLine(cluster);
        expect(young.epoch).toBe(old.epoch + 1n);
        const { id } = await bench.putWork({ cluster });
        expect((await bench.store.storeStatus([write(old, 1n, [status(id)])])).superseded).toHaveLength(1);
        expect((await beat(old, inventory())).superseded).toHaveLength(1);
        expect([await bench.statusOf(id), await bench.phaseOf(cluster)]).toEqual([undefined, 'pending']);
        expect((await bench.store.storeStatus([write(young, 1n, [status(id)])])).superseded).toEqual([]);
        expect(await bench.statusOf(id)).toMatchObject({ epoch: young.epoch, phase: 'ready' });
      });

      it('grants every one of many lines that are opened at once an epoch of its own', async () => {
        const cluster = await aCluster();
        const lines = await Promise.all(Array.from({ length: 12 }, () => aLine(cluster)));
        expect(new Set(lines.map(({ epoch }) => epoch)).size).toBe(12);
      });

      it('judges each of many clusters that come back at once by itself', async () => {
        const fleet = await Promise.all(Array.from({ length: 100 }, aCluster));
        await bench.putWork({ cluster: fleet[50] ?? '' });
        const opened = await Promise.all([
          ...[...fleet, ...fleet].map((cluster, index) => open(cluster, index === 7 ? 1n : undefined)),
          open('nowhere'),
          ...fleet.slice(0, 3).map((cluster) => open(cluster, 9n)),
        ]);
        const granted = (epoch: bigint, head = 0n) => ({ kind: 'granted', epoch, head });
        const first = opened.slice(0, 100);
        const again = opened.slice(100, 200);
        expect(first[7]).toEqual({ kind: 'diverged', head: 0n });
        expect(again[7]).toMatchObject(granted(1n));
        expect(first[50]).toMatchObject(granted(1n, 1n));
        expect(again[50]).toMatchObject(granted(2n, 1n));
        expect(first.filter((each) => each.kind === 'granted' && each.epoch === 1n)).toHaveLength(99);
        expect(again.filter((each) => each.kind === 'granted' && each.epoch === 2n)).toHaveLength(99);
        expect(opened.slice(200).map(({ kind }) => kind)).toEqual(['cluster-unknown', ...Array(3).fill('diverged')]);
      });

      it('lets an agent resume where it was, begin anew in another incarnation, and grants nothing to one ahead', async () => {
        const cluster = await aCluster();
        await bench.putWork({ cluster });
        await bench.putWork({ cluster });
        expect(await open(cluster)).toMatchObject({ kind: 'granted', head: 2n, resumeFrom: 0n });
        expect(await open(cluster, 1n)).toMatchObject({ kind: 'granted', head: 2n, resumeFrom: 1n });
        expect(await open(cluster, 7n, 'another')).toMatchObject({ kind: 'granted', resumeFrom: 0n });
        const [before] = await bench.store.lineStandings([{ cluster, serial: 'none' }]);
        expect(await open(cluster, 3n)).toEqual({ kind: 'diverged', head: 2n });
        expect(await bench.store.lineStandings([{ cluster, serial: 'none' }])).toEqual([before]);
        expect(await open('nowhere')).toEqual({ kind: 'cluster-unknown' });
      });

      it('says whether the line is held: an agent is connected, and its lease runs', async () => {
        const cluster = await aCluster();
        const held = async () => (await bench.store.lineStandings([{ cluster, serial: 'none' }]))[0]?.held;
        expect(await held()).toBe(false);
        const line = await aLine(cluster);
        await beat(line);
        expect(await held()).toBe(true);
        await bench.pass(cluster, leaseTtlMs + 1);
        expect(await held()).toBe(false);
        await beat(line);
        await bench.store.closeLine(line);
        expect(await held()).toBe(false);
      });

      it('names the member that spoke before when another one does', async () => {
        const cluster = await aCluster();
        await open(cluster);
        const request = { cluster, hubId: 'hub', hubAddress: 'hub:7443', agentVersion: '1', resumeFrom: undefined };
        const who = { instanceId: '', hostName: '' };
        expect(await bench.store.openLine({ ...request, ...who, memberUid: '' })).toMatchObject({
          formerMember: undefined,
        });
        expect(await bench.store.openLine({ ...request, ...who, memberUid: 'other' })).toMatchObject({
          formerMember: 'member',
        });
      });

      it('tells how a certificate stands, and how each line does', async () => {
        const cluster = await aCluster();
        const line = await aLine(cluster);
        const certificate = { serial: randomUUID(), cluster, expiresAt: bench.now() + 60_000 };
        expect(await bench.store.certificateStanding(certificate)).toBe('valid');
        expect(await bench.store.certificateStanding({ ...certificate, serial: 'x', cluster: 'nowhere' })).toBe(
          'cluster-unknown',
        );
        const standing = async () => (await bench.store.lineStandings([{ cluster, serial: certificate.serial }]))[0];
        expect(await standing()).toEqual({
          cluster,
          epoch: line.epoch,
          head: 0n,
          revoked: false,
          expired: false,
          held: false,
        });
        await bench.revoke(certificate.serial);
        expect(await bench.store.certificateStanding(certificate)).toBe('revoked');
        expect(await standing()).toMatchObject({ revoked: true });
      });

      it('lets a line stand on the certificates that renew the one it was opened with, and on no others', async () => {
        const [cluster, other] = [await aCluster(), await aCluster()];
        const inForce = { expiresAt: bench.now() + 3_600_000 };
        const past = { expiresAt: bench.now() - 1_000 };
        const opened = { serial: randomUUID(), cluster, ...past };
        await bench.store.certificateStanding(opened);
        const isExpired = async () =>
          (await bench.store.lineStandings([{ cluster, serial: opened.serial }]))[0]?.expired;
        expect(await isExpired()).toBe(true);
        await bench.store.certificateStanding({ serial: randomUUID(), cluster, ...inForce });
        expect(await isExpired(), 'another enrolment of the cluster').toBe(true);
        const second = { serial: randomUUID(), cluster, ...past };
        expect(await bench.store.recordRenewal(second, opened.serial)).toBe(true);
        expect(await isExpired()).toBe(true);
        const third = { serial: randomUUID(), cluster, ...inForce };
        expect(await bench.store.recordRenewal({ ...third, cluster: other }, second.serial)).toBe(false);
        expect(await bench.store.recordRenewal(third, second.serial)).toBe(true);
        expect(await isExpired()).toBe(false);
        await bench.revoke(third.serial);
        expect(await isExpired()).toBe(true);
        expect(await bench.store.recordRenewal({ ...third, serial: randomUUID() }, third.serial)).toBe(false);
      });
    }

    function backlog(): void {
      const page = (cluster: string, after: bigint, items = 10, bytes = 1_000_000) =>
        bench.store.workBacklog({ cluster, after, items, bytes });

      it('hands out what is newer, in order of sequence, in bounded pages that skip what was replaced', async () => {
        const cluster = await aCluster();
        const first = await bench.putWork({ cluster });
        await bench.putWork({ cluster });
        const tombstone = await bench.putTombstone({ cluster, workId: first.id, object, uid: 'u' });
        await bench.putWork({ cluster, id: first.id });
        const all = await page(cluster, 0n);
        expect(all).toMatchObject({ upTo: 4n, isComplete: true });
        expect(all.items.map((item) => (item.kind === 'work' ? item.work.sequence : item.tombstone.id))).toEqual([
          2n,
          tombstone,
          4n,
        ]);
        expect(await page(cluster, 0n, 2)).toMatchObject({ upTo: 3n, isComplete: false });
        expect(await page(cluster, 0n, 10, 1)).toMatchObject({
          upTo: 2n,
          isComplete: false,
          items: [{ kind: 'work' }],
        });
        expect(await page(cluster, 4n)).toEqual({ items: [], upTo: 4n, isComplete: true });
      });

      it('hands a cluster its own works alone, and no tombstone that is confirmed', async () => {
        const [own, other] = [await aCluster(), await aCluster()];
        const work = await bench.putWork({ cluster: other });
        const tombstoneId = await bench.putTombstone({ cluster: other, workId: work.id, object, uid: 'u' });
        expect((await page(own, 0n)).items).toEqual([]);
        const line = await aLine(own);
        const report = { tombstoneId, outcome: 'deleted', message: '' } as const;
        await bench.store.storeStatus([write(line, 1n, [], { tombstones: [report] })]);
        expect((await page(other, 0n)).items).toHaveLength(2);
        await bench.store.storeStatus([write(await aLine(other), 1n, [], { tombstones: [report] })]);
        expect((await page(other, 0n)).items).toHaveLength(1);
      });
    }

    function reports(): void {
      it('never moves status backwards, whatever the order of reports, in one batch or in several', async () => {
        const line = await aLine(await aCluster());
        const { id } = await bench.putWork(line);
        const put = (...reported: [bigint, WorkStatus['phase']][]) =>
          bench.store.storeStatus(reported.map(([sequence, phase]) => write(line, sequence, [status(id, phase)])));
        await put([5n, 'ready']);
        await put([4n, 'failed']);
        await put([5n, 'degraded']);
        expect(await bench.statusOf(id)).toMatchObject({ sequence: 5n, phase: 'ready' });
        await put([7n, 'applying'], [6n, 'failed']);
        expect(await bench.statusOf(id)).toMatchObject({ sequence: 7n, phase: 'applying' });
      });

      it("stores nothing of another cluster's works, and names them", async () => {
        const [line, other] = [await aLine(await aCluster()), await aCluster()];
        const [own, foreign] = [await bench.putWork(line), await bench.putWork({ cluster: other })];
        const outcome = await bench.store.storeStatus([write(line, 1n, [status(foreign.id), status(own.id)])]);
        expect(outcome).toEqual({ superseded: [], strangers: [{ cluster: line.cluster, workId: foreign.id }] });
        expect(await bench.statusOf(foreign.id)).toBeUndefined();
        expect(await bench.statusOf(own.id)).toBeDefined();
      });

      it('forgets what a full report does not name, of its own cluster alone', async () => {
        const [line, other] = [await aLine(await aCluster()), await aLine(await aCluster())];
        const [named, vanished, foreign] = [
          await bench.putWork(line),
          await bench.putWork(line),
          await bench.putWork(other),
        ];
        await bench.store.storeStatus([
          write(line, 1n, [status(named.id), status(vanished.id)]),
          write(other, 1n, [status(foreign.id)]),
        ]);
        const again = await aLine(line.cluster);
        await bench.store.storeStatus([write(again, 1n, [status(named.id)])]);
        expect(await bench.statusOf(vanished.id)).toBeDefined();
        await bench.store.storeStatus([write(again, 2n, [], { fullReportFrom: 1n })]);
        expect(await bench.statusOf(vanished.id)).toBeUndefined();
        expect(await bench.statusOf(named.id)).toMatchObject({ epoch: again.epoch });
        expect(await bench.statusOf(foreign.id)).toBeDefined();
      });

      it('keeps the first outcome of a tombstone', async () => {
        const line = await aLine(await aCluster());
        const work = await bench.putWork(line);
        const tombstoneId = await bench.putTombstone({ ...line, workId: work.id, object, uid: 'u' });
        const put = (sequence: bigint, outcome: TombstoneOutcome) =>
          bench.store.storeStatus([write(line, sequence, [], { tombstones: [{ tombstoneId, outcome, message: '' }] })]);
        expect(await bench.outcomeOf(tombstoneId)).toBeUndefined();
        await put(1n, 'deleted');
        await put(2n, 'absent');
        expect(await bench.outcomeOf(tombstoneId)).toBe('deleted');
      });
    }

    function leases(): void {
      it('calls a cluster ready once its inventory is there, and unreachable when its lease has run out', async () => {
        const line = await aLine(await aCluster());
        await beat(line);
        expect(await bench.phaseOf(line.cluster)).toBe('pending');
        await beat(line, inventory());
        expect(await bench.phaseOf(line.cluster)).toBe('ready');
        expect(await bench.store.sweepLeases()).not.toContain(line.cluster);
        await bench.pass(line.cluster, leaseTtlMs + 1);
        expect(await bench.store.sweepLeases()).toContain(line.cluster);
        expect(await bench.store.sweepLeases()).not.toContain(line.cluster);
        expect(await bench.store.announceSilent([])).not.toContain(line.cluster);
        await bench.pass(line.cluster, 30_001);
        expect(await bench.store.announceSilent([line.cluster])).toContain(line.cluster);
        await beat(line);
        expect(await bench.phaseOf(line.cluster)).toBe('ready');
      });

      it('shows what was reported as fresh, then stale, then unknown; and stale as long as a newer line is silent', async () => {
        const line = await aLine(await aCluster());
        const { id } = await bench.putWork(line);
        expect(await bench.freshnessOf(id)).toBe('unknown');
        await beat(line);
        await bench.store.storeStatus([write(line, 1n, [status(id)])]);
        expect(await bench.freshnessOf(id)).toBe('fresh');
        await bench.store.closeLine(line);
        expect(await bench.freshnessOf(id)).toBe('fresh');
        await aLine(line.cluster);
        expect(await bench.freshnessOf(id)).toBe('stale');
        await bench.pass(line.cluster, leaseTtlMs + 1);
        expect(await bench.freshnessOf(id)).toBe('stale');
        await bench.pass(line.cluster, 30_000);
        expect(await bench.freshnessOf(id)).toBe('unknown');
      });

      it('asks for a schema that it does not hold, until it does', async () => {
        const line = await aLine(await aCluster());
        const digest = randomUUID();
        expect((await beat(line, inventory(digest))).unknownSchemas).toEqual([digest]);
        await bench.store.storeSchema({ ...line, digest, schema: {} });
        expect((await beat(line, inventory(digest))).unknownSchemas).toEqual([]);
      });

      it('tells what changes from now on, until nobody listens any more', async () => {
        const line = await aLine(await aCluster());
        const ending = new AbortController();
        const heard: FleetNews[] = [];
        const following = (async () => {
          for await (const news of bench.store.news(ending.signal)) {
            heard.push(...news.filter(({ resource }) => resource === line.cluster));
            if (new Set(heard.map(({ kind }) => kind)).size === 2) return;
          }
        })();
        for (let tries = 0; heard.length === 0 && tries < 500; tries++) {
          await bench.putWork(line);
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
        await beat(line, inventory());
        await following;
        expect(new Set(heard.map(({ kind }) => kind))).toEqual(new Set(['work', 'cluster']));
        ending.abort();
        for await (const _ of bench.store.news(ending.signal)) throw new Error('nobody listens');
      });
    }

    function faults(): void {
      it('runs a transaction again that lost a race, and gives up on one that always does', async () => {
        const line = await aLine(await aCluster());
        const { id } = await bench.putWork(line);
        await bench.conflicts(4);
        expect((await bench.store.storeStatus([write(line, 1n, [status(id)])])).superseded).toEqual([]);
        expect(await bench.statusOf(id)).toMatchObject({ sequence: 1n });
        await bench.conflicts(5);
        await expect(bench.store.storeStatus([write(line, 2n, [status(id)])])).rejects.toMatchObject({ code: '40001' });
        expect(await bench.statusOf(id)).toMatchObject({ sequence: 1n });
      });

      it('has stored nothing when the connection broke before the commit', async () => {
        const line = await aLine(await aCluster());
        const { id } = await bench.putWork(line);
        await bench.lose('before-commit');
        await expect(bench.store.storeStatus([write(line, 1n, [status(id)])])).rejects.toBeInstanceOf(Unavailable);
        expect(await bench.statusOf(id)).toBeUndefined();
        await bench.store.storeStatus([write(line, 1n, [status(id)])]);
        expect(await bench.statusOf(id)).toMatchObject({ sequence: 1n });
      });

      it('has stored everything when the connection broke after it, and the same call changes nothing more', async () => {
        const cluster = await aCluster();
        const line = await aLine(cluster);
        const { id } = await bench.putWork(line);
        await bench.lose('after-commit');
        await expect(bench.store.storeStatus([write(line, 1n, [status(id)])])).rejects.toBeInstanceOf(Unavailable);
        expect(await bench.statusOf(id)).toMatchObject({ sequence: 1n, phase: 'ready' });
        await bench.store.storeStatus([write(line, 1n, [status(id, 'failed')])]);
        expect(await bench.statusOf(id)).toMatchObject({ sequence: 1n, phase: 'ready' });
        await bench.lose('after-commit');
        await expect(open(cluster)).rejects.toBeInstanceOf(Unavailable);
        expect((await aLine(cluster)).epoch).toBe(line.epoch + 2n);
      });
    }
  });
}
