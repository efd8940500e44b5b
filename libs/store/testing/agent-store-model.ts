import {
  type Clock,
  type ClusterId,
  type ClusterSchema,
  type Incarnation,
  type Instant,
  type InventoryChange,
  type JsonObject,
  type Millis,
  type Tombstone,
  type TombstoneReport,
  Unavailable,
  type Work,
  type WorkStatus,
} from '#domain';
import type { BacklogPage } from '../agents/backlog.js';
import { staleForMs } from '../agents/freshness.js';
import type { Heartbeat, HeartbeatOutcome } from '../agents/heartbeats.js';
import type { CertificateStanding } from '../agents/identities.js';
import type { LineGrant, LineRequest, LineStanding } from '../agents/lines.js';
import type { AgentCertificate, AgentStore, FleetNews } from '../agents/port.js';
import type { StatusOutcome, StatusWrite } from '../agents/status-write.js';
import { sqlState } from '../core/failures.js';
import { NewsLog } from './news-log.js';

/** What may befall a transaction: it loses a race and runs again, or its connection breaks, with or without its commit. */
export type StoreFault = 'conflict' | 'lost-before-commit' | 'lost-after-commit';

export interface StoreSeams {
  /** The store's own: no other clock counts. */
  clock: Clock;
  /** Takes the time that a round trip takes. */
  roundTrip(): Promise<void>;
  /** Asked at every transaction. */
  fault(call: keyof AgentStore): StoreFault | undefined;
}

export interface AgentRow {
  phase: 'pending' | 'ready' | 'unreachable';
  epoch: bigint;
  memberUid: string;
  connected: boolean;
  leaseExpiresAt: Instant | undefined;
  statusSequence: bigint;
  fullReportAt: Instant | undefined;
  /** The last sequence given to this cluster. */
  head: bigint;
  appliedWorkSequence: bigint;
  inventory: InventoryChange | undefined;
}

export interface StatusRow {
  cluster: ClusterId;
  epoch: bigint;
  sequence: bigint;
  status: WorkStatus;
  reportedAt: Instant;
}

export interface TombstoneRow extends Tombstone {
  workId: string;
  confirmed: TombstoneReport | undefined;
}

export type Freshness = 'fresh' | 'stale' | 'unknown';

const attempts = 5;

/**
 * What Postgres does for the agents' line, in memory: one transaction at a time, each whole at one moment of a handed-in
 * clock. The adapter suite holds it to what Postgres does; simulations use it.
 */
export class AgentStoreModel implements AgentStore {
  readonly agents = new Map<ClusterId, AgentRow>();
  readonly works = new Map<string, Work>();
  readonly tombstones = new Map<string, TombstoneRow>();
  readonly status = new Map<string, StatusRow>();
  readonly #certificates = new Map<string, AgentCertificate & { first: string; revoked: boolean }>();
  readonly #schemas = new Set<string>();
  readonly #news = new NewsLog();

  constructor(
    readonly incarnation: Incarnation,
    private readonly seams: StoreSeams,
  ) {}

  // What others than the hub do.

  registerCluster(cluster: ClusterId): void {
    this.agents.set(cluster, {
      phase: 'pending',
      epoch: 0n,
      memberUid: '',
      connected: false,
      leaseExpiresAt: undefined,
      statusSequence: 0n,
      fullReportAt: undefined,
      head: 0n,
      appliedWorkSequence: 0n,
      inventory: undefined,
    });
  }

  /** A work's next content, as a scheduler commits it. */
  putWork(work: Omit<Work, 'sequence' | 'generation'>): Work {
    const generation = (this.works.get(work.id)?.generation ?? 0n) + 1n;
    const written = { ...work, generation, sequence: this.#nextSequence(work.cluster) };
    this.works.set(work.id, written);
    this.#news.tell({ kind: 'work', resource: work.cluster });
    return written;
  }

  /** Nothing of it is left: its status goes with it. */
  deleteWork(workId: string): void {
    this.works.delete(workId);
    this.status.delete(workId);
  }

  putTombstone(order: Omit<Tombstone, 'sequence'> & { workId: string }): TombstoneRow {
    const row = { ...order, sequence: this.#nextSequence(order.cluster), confirmed: undefined };
    this.tombstones.set(row.id, row);
    this.#news.tell({ kind: 'work', resource: order.cluster });
    return row;
  }

  revoke(serial: string): void {
    const certificate = this.#certificates.get(serial);
    if (certificate === undefined) return;
    certificate.revoked = true;
    this.#news.tell({ kind: 'cluster', resource: certificate.cluster });
  }

  /** How much what was last reported of a work counts by now. */
  freshnessOf(workId: string): Freshness {
    const agent = this.agents.get(this.works.get(workId)?.cluster ?? '');
    const reported = this.status.get(workId);
    const now = this.seams.clock.now();
    if (agent?.leaseExpiresAt === undefined) return 'unknown';
    const isOfEpoch = reported === undefined || reported.epoch === agent.epoch;
    if (agent.leaseExpiresAt > now && isOfEpoch) return 'fresh';
    return agent.leaseExpiresAt > now - staleForMs ? 'stale' : 'unknown';
  }

  // What the hub does.

  ping(): Promise<void> {
    return this.#transaction('ping', () => undefined);
  }

  certificateStanding(certificate: AgentCertificate): Promise<CertificateStanding> {
    return this.#transaction('certificateStanding', () => {
      const known = this.#certificates.get(certificate.serial);
      if (known?.revoked === true) return 'revoked';
      if (!this.agents.has(certificate.cluster)) return 'cluster-unknown';
      if (known === undefined)
        this.#certificates.set(certificate.serial, { ...certificate, first: certificate.serial, revoked: false });
      return 'valid';
    });
  }

  recordRenewal(certificate: AgentCertificate, former: string): Promise<boolean> {
    return this.#transaction('recordRenewal', () => {
      const before = this.#certificates.get(former);
      if (before === undefined || before.revoked || before.cluster !== certificate.cluster) return false;
      if (!this.#certificates.has(certificate.serial))
        this.#certificates.set(certificate.serial, { ...certificate, first: before.first, revoked: false });
      return true;
    });
  }

  openLine(request: LineRequest): Promise<LineGrant> {
    return this.#transaction('openLine', () => {
      const agent = this.agents.get(request.cluster);
      if (agent === undefined) return { kind: 'cluster-unknown' };
      const { head } = agent;
      const resumeFrom = request.resumeFrom?.incarnation === this.incarnation ? request.resumeFrom.sequence : 0n;
      if (resumeFrom > head) return { kind: 'diverged', head };
      const formerMember =
        request.memberUid !== '' && agent.memberUid !== '' && agent.memberUid !== request.memberUid
          ? agent.memberUid
          : undefined;
      const epoch = agent.epoch + 1n;
      const memberUid = request.memberUid === '' ? agent.memberUid : request.memberUid;
      Object.assign(agent, { epoch, memberUid, connected: true, statusSequence: 0n, fullReportAt: undefined });
      return { kind: 'granted', epoch, head, resumeFrom, formerMember };
    });
  }

  closeLine({ cluster, epoch }: { cluster: ClusterId; epoch: bigint }): Promise<void> {
    return this.#transaction('closeLine', () => {
      const agent = this.agents.get(cluster);
      if (agent?.epoch === epoch) agent.connected = false;
    });
  }

  lineStandings(lines: readonly { cluster: ClusterId; serial: string }[]): Promise<LineStanding[]> {
    return this.#transaction('lineStandings', () =>
      lines.map(({ cluster, serial }) => ({
        cluster,
        epoch: this.agents.get(cluster)?.epoch,
        head: this.agents.get(cluster)?.head ?? 0n,
        revoked: this.#certificates.get(serial)?.revoked === true,
        expired: this.#hasExpired(serial),
        held: this.#isHeld(cluster),
      })),
    );
  }

  #isHeld(cluster: ClusterId): boolean {
    const agent = this.agents.get(cluster);
    return agent?.connected === true && (agent.leaseExpiresAt ?? 0) > this.seams.clock.now();
  }

  /** What operators are told is not modelled. */
  noteWaiting(): Promise<void> {
    return this.#transaction('noteWaiting', () => undefined);
  }

  forgetWaiting(): Promise<void> {
    return this.#transaction('forgetWaiting', () => undefined);
  }

  sweepConditions(): Promise<ClusterId[]> {
    return this.#transaction('sweepConditions', () => []);
  }

  #hasExpired(serial: string): boolean {
    const opened = this.#certificates.get(serial);
    const now = this.seams.clock.now();
    const isAlive = (each: AgentCertificate & { first: string; revoked: boolean }) =>
      each.first === opened?.first && !each.revoked && each.expiresAt > now;
    return opened !== undefined && ![...this.#certificates.values()].some(isAlive);
  }

  workBacklog(from: { cluster: ClusterId; after: bigint; items: number; bytes: number }): Promise<BacklogPage> {
    return this.#transaction('workBacklog', () => this.#page(from));
  }

  storeStatus(writes: readonly StatusWrite[]): Promise<StatusOutcome> {
    return this.#transaction('storeStatus', () => {
      const accepted = writes.filter((write) => this.agents.get(write.cluster)?.epoch === write.epoch);
      const strangers = new Map<string, { cluster: ClusterId; workId: string }>();
      for (const write of accepted) {
        for (const status of write.works) {
          const isOwn = this.works.get(status.workId)?.cluster === write.cluster;
          if (isOwn) this.#keepStatus(write, status);
          else strangers.set(`${write.cluster}/${status.workId}`, { cluster: write.cluster, workId: status.workId });
        }
        for (const report of write.tombstones) this.#confirm(write.cluster, report);
      }
      for (const write of accepted) this.#forgetVanished(write);
      for (const write of accepted) this.#markStored(write);
      return { superseded: writes.filter((write) => !accepted.includes(write)), strangers: [...strangers.values()] };
    });
  }

  storeHeartbeats(beats: readonly Heartbeat[], leaseTtlMs: Millis): Promise<HeartbeatOutcome> {
    return this.#transaction('storeHeartbeats', () => {
      const accepted = beats.filter((beat) => this.agents.get(beat.cluster)?.epoch === beat.epoch);
      for (const beat of accepted) this.#beat(beat, leaseTtlMs);
      const digests = new Set(accepted.map(({ inventory }) => inventory?.schemaDigest ?? ''));
      return {
        superseded: beats.filter((beat) => !accepted.includes(beat)),
        unknownSchemas: [...digests].filter((digest) => digest !== '' && !this.#schemas.has(digest)),
      };
    });
  }

  storeSchema({ cluster, digest }: { cluster: ClusterId; digest: string; schema: ClusterSchema }): Promise<void> {
    return this.#transaction('storeSchema', () => {
      this.#schemas.add(digest);
      this.#news.tell({ kind: 'cluster', resource: cluster });
    });
  }

  sweepLeases(): Promise<ClusterId[]> {
    return this.#transaction('sweepLeases', () => {
      const now = this.seams.clock.now();
      const lost = [...this.agents].filter(
        ([, agent]) => agent.phase === 'ready' && (agent.leaseExpiresAt === undefined || agent.leaseExpiresAt < now),
      );
      for (const [cluster, agent] of lost) {
        agent.phase = 'unreachable';
        this.#news.tell({ kind: 'cluster', resource: cluster });
      }
      return lost.map(([cluster]) => cluster);
    });
  }

  /** Its releases select by nothing. */
  nodeLabelKeys(): Promise<readonly string[]> {
    return this.#transaction('nodeLabelKeys', () => []);
  }

  announceSilent(_told: readonly ClusterId[]): Promise<ClusterId[]> {
    return this.#transaction('announceSilent', () => {
      const since = this.seams.clock.now() - staleForMs;
      const isSilent = ({ phase, leaseExpiresAt }: AgentRow) =>
        phase === 'unreachable' && leaseExpiresAt !== undefined && leaseExpiresAt <= since;
      return [...this.agents].flatMap(([cluster, agent]) => (isSilent(agent) ? [cluster] : [])).sort();
    });
  }

  news(signal: AbortSignal): AsyncIterable<readonly FleetNews[]> {
    return this.#news.follow(signal, () => this.#transaction('news', () => undefined));
  }

  /** Every one of them is lost. */
  hints(): () => void {
    return () => undefined;
  }

  /** Whole or not at all; what is answered may be wrong about which only where the connection broke. */
  async #transaction<T>(call: keyof AgentStore, work: () => T): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      await this.seams.roundTrip();
      const fault = this.seams.fault(call);
      if (fault === 'lost-before-commit') throw lost();
      if (fault === 'conflict' && attempt < attempts) continue;
      if (fault === 'conflict')
        throw Object.assign(new Error('could not serialize access'), { code: sqlState.serializationFailure });
      const answer = work();
      await this.seams.roundTrip();
      if (fault === 'lost-after-commit') throw lost();
      return answer;
    }
  }

  #nextSequence(cluster: ClusterId): bigint {
    const agent = this.agents.get(cluster);
    if (agent === undefined) throw new Error(`cluster ${cluster} is not registered`);
    agent.head += 1n;
    return agent.head;
  }

  #page({ cluster, after, items, bytes }: Parameters<AgentStore['workBacklog']>[0]): BacklogPage {
    const head = this.agents.get(cluster)?.head ?? 0n;
    const newer = <T extends { cluster: ClusterId; sequence: bigint }>(each: T) =>
      each.cluster === cluster && each.sequence > after;
    const works = [...this.works.values()].filter(newer);
    const tombstones = [...this.tombstones.values()].filter((each) => newer(each) && each.confirmed === undefined);
    const all = [
      ...works.map((work) => ({
        sequence: work.sequence,
        bytes: sizeOf(work.objects),
        item: { kind: 'work', work } as const,
      })),
      ...tombstones.map((row) => ({
        sequence: row.sequence,
        bytes: 200,
        item: { kind: 'tombstone', tombstone: orderOf(row) } as const,
      })),
    ].sort((a, b) => (a.sequence < b.sequence ? -1 : 1));
    let before = 0;
    const page = all.slice(0, items).filter((each) => {
      const fits = before < bytes;
      before += each.bytes;
      return fits;
    });
    const isCut = page.length >= items || page.length < all.length;
    const last = page.at(-1)?.sequence ?? after;
    return { items: page.map(({ item }) => item), upTo: isCut || last > head ? last : head, isComplete: !isCut };
  }

  #keepStatus({ cluster, epoch, sequence }: StatusWrite, status: WorkStatus): void {
    const known = this.status.get(status.workId);
    if (known !== undefined && !isBefore(known, { epoch, sequence })) return;
    this.status.set(status.workId, { cluster, epoch, sequence, status, reportedAt: this.seams.clock.now() });
  }

  #confirm(cluster: ClusterId, report: TombstoneReport): void {
    const row = this.tombstones.get(report.tombstoneId);
    if (row?.cluster === cluster) row.confirmed ??= report;
  }

  #forgetVanished({ cluster, epoch, fullReportFrom }: StatusWrite): void {
    if (fullReportFrom === undefined) return;
    for (const [workId, row] of this.status)
      if (row.cluster === cluster && isBefore(row, { epoch, sequence: fullReportFrom })) this.status.delete(workId);
  }

  #markStored({ cluster, sequence, fullReportFrom }: StatusWrite): void {
    const agent = this.agents.get(cluster);
    if (agent === undefined) return;
    if (sequence > agent.statusSequence) agent.statusSequence = sequence;
    if (fullReportFrom !== undefined) agent.fullReportAt = this.seams.clock.now();
  }

  #beat({ cluster, appliedWorkSequence, inventory }: Heartbeat, leaseTtlMs: Millis): void {
    const agent = this.agents.get(cluster);
    if (agent === undefined) return;
    agent.connected = true;
    agent.leaseExpiresAt = this.seams.clock.now() + leaseTtlMs;
    const applied = appliedWorkSequence < agent.head ? appliedWorkSequence : agent.head;
    if (applied > agent.appliedWorkSequence) agent.appliedWorkSequence = applied;
    if (inventory !== undefined) agent.inventory = { ...agent.inventory, ...inventory };
    const isBack = agent.phase !== 'ready' && agent.inventory !== undefined;
    if (isBack) agent.phase = 'ready';
    if (isBack || inventory !== undefined) this.#news.tell({ kind: 'cluster', resource: cluster });
  }
}

const lost = () => new Unavailable({ dependency: 'the database' });

const isBefore = (a: { epoch: bigint; sequence: bigint }, b: { epoch: bigint; sequence: bigint }): boolean =>
  a.epoch < b.epoch || (a.epoch === b.epoch && a.sequence < b.sequence);

const sizeOf = (objects: readonly JsonObject[]): number => JSON.stringify(objects).length;

const orderOf = ({ id, cluster, sequence, generation, object, uid, mode }: TombstoneRow): Tombstone => ({
  ...{ id, cluster, sequence, generation, object, uid, mode },
});
