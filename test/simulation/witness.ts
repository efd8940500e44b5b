import type { line } from '#contract';
import { statusReportFromWire } from '#contract';
import type { Instant, Millis, Tombstone, WorkStatus } from '#domain';
import type { AgentStoreModel, StatusRow } from '../../libs/store/testing/agent-store-model.js';
import { generationOf, isOwned, keyOf, type MemberModel } from './member-model.js';
import type { Truth } from './truth.js';
import type { VirtualTime } from './virtual-time.js';

/** A promise was broken. */
export class Broken extends Error {
  override name = 'Broken';
  constructor(promise: number, what: string) {
    super(`promise ${promise}: ${what}`);
  }
}

/** From the writing of a heartbeat to its commit: the network's and the store's worst. */
const slowestBeat: Millis = 5_000;

/** Looks at what the store and the members hold after every step, and at every word on the line. */
export class Witness {
  readonly #highest = new Map<string, { epoch: bigint; sequence: bigint }>();
  readonly #seen = new Map<string, StatusRow>();
  /** What agents said, by cluster, epoch and sequence. */
  readonly #said = new Map<string, Map<string, WorkStatus>>();
  readonly #outcomes = new Set<string>();
  readonly #confirmed = new Set<string>();
  readonly #heardAt = new Map<string, Instant>();
  readonly #judged = new Map<string, number>();

  constructor(
    private readonly time: VirtualTime,
    private readonly store: AgentStoreModel,
    private readonly members: ReadonlyMap<string, MemberModel>,
    private readonly truth: Truth,
    private readonly leaseTtlMs: Millis,
  ) {}

  check(): void {
    for (const member of this.members.values()) this.#judgeDeletions(member);
    for (const [workId, row] of this.store.status) if (this.#seen.get(workId) !== row) this.#judgeStatus(workId, row);
    for (const row of this.store.tombstones.values())
      if (row.confirmed !== undefined && !this.#confirmed.has(row.id)) this.#judgeConfirmation(row);
    for (const workId of this.store.status.keys()) this.#judgeFreshness(workId);
  }

  /** Somebody with this cluster's certificate has written this; an agent, having `seen` its member up to that moment. */
  heard(
    cluster: string,
    epoch: bigint | undefined,
    message: line.ConnectRequest['message'],
    seen: number | undefined,
  ): void {
    if (message.case === 'heartbeat') this.#heardAt.set(cluster, this.time.now());
    if (message.case !== 'statusReport') return;
    const { sequence, works, tombstones } = statusReportFromWire(message.value);
    this.#said.set(`${cluster}/${epoch}/${sequence}`, new Map(works.map((status) => [status.workId, status])));
    for (const { tombstoneId } of tombstones) this.#outcomes.add(`${cluster}/${tombstoneId}`);
    if (seen !== undefined) for (const status of works) this.#judgeWord(cluster, status, seen);
  }

  /** A hub has written this to an agent with this cluster's certificate. */
  told(
    cluster: string,
    epoch: bigint | undefined,
    message: line.ConnectResponse['message'],
    clusterOf: (id: string) => string | undefined,
  ): void {
    if (message.case === 'workBatch')
      for (const { item } of message.value.items) {
        const of = clusterOf(item.value?.id ?? '');
        if (of !== cluster) throw new Broken(8, `${cluster} was told of ${item.case} ${item.value?.id} of ${of}`);
      }
    if (message.case !== 'statusAck') return;
    const agent = this.store.agents.get(cluster);
    if (agent?.epoch === epoch && message.value.sequence > (agent?.statusSequence ?? 0n))
      throw new Broken(5, `report ${message.value.sequence} of ${cluster} is acknowledged, and not stored`);
  }

  #judgeWord(cluster: string, { workId, phase, generation }: WorkStatus, seen: number): void {
    if (phase === 'ready' && !this.truth.wasReadyAt(workId, generation, seen))
      throw new Broken(5, `${cluster} tells of ${workId} at ${generation} as ready; it was not when it last looked`);
  }

  #judgeDeletions(member: MemberModel): void {
    const from = this.#judged.get(member.cluster) ?? 0;
    this.#judged.set(member.cluster, member.deletions.length);
    for (const { object, by } of member.deletions.slice(from)) {
      if (by === 'somebody') continue;
      const name = `${object.kind} ${object.name} (${object.uid}) of ${member.cluster}`;
      if (by === 'its namespace') throw new Broken(1, `${name} went with its namespace`);
      if (!isOwned(object)) throw new Broken(1, `${name} was deleted, and is not Berth's`);
      const orders = [...this.store.tombstones.values()].filter(
        (each) => each.cluster === member.cluster && each.uid === object.uid && keyOf(each.object) === keyOf(object),
      );
      if (orders.length === 0) throw new Broken(1, `${name} was deleted without a tombstone`);
      if (object.kind !== 'Namespace' && !orders.some((each) => each.generation > generationOf(object)))
        throw new Broken(
          1,
          `${name} was deleted, and is of generation ${generationOf(object)}, which no tombstone means`,
        );
    }
  }

  #judgeStatus(workId: string, row: StatusRow): void {
    this.#seen.set(workId, row);
    const { cluster, epoch, sequence, status } = row;
    const what = `status of ${workId} (${cluster}, epoch ${epoch}, sequence ${sequence})`;
    const before = this.#highest.get(workId);
    if (before !== undefined && (epoch < before.epoch || (epoch === before.epoch && sequence <= before.sequence)))
      throw new Broken(5, `${what} came after epoch ${before.epoch}, sequence ${before.sequence}`);
    this.#highest.set(workId, { epoch, sequence });
    const work = this.store.works.get(workId);
    if (work?.cluster !== cluster) throw new Broken(8, `${what} is of a work of ${work?.cluster}`);
    if (this.store.agents.get(cluster)?.epoch !== epoch) throw new Broken(8, `${what} is of no present epoch`);
    const said = this.#said.get(`${cluster}/${epoch}/${sequence}`)?.get(workId);
    if (said === undefined || said.phase !== status.phase || said.generation !== status.generation)
      throw new Broken(8, `${what} was not said by the agent of that epoch`);
    if (!this.truth.wasWhole(workId, status.generation))
      throw new Broken(5, `${what} says generation ${status.generation}, which was never there`);
    if (status.phase === 'ready' && !this.truth.wasReady(workId, status.generation))
      throw new Broken(5, `${what} says that generation ${status.generation} is ready; it never was`);
  }

  #judgeConfirmation({
    id,
    cluster,
    uid,
    confirmed,
  }: Tombstone & { confirmed: { outcome: string } | undefined }): void {
    this.#confirmed.add(id);
    if (!this.#outcomes.has(`${cluster}/${id}`))
      throw new Broken(8, `tombstone ${id} of ${cluster} was confirmed by somebody else`);
    const isGone = confirmed?.outcome === 'deleted' || confirmed?.outcome === 'absent';
    const there = [...(this.members.get(cluster)?.objects.values() ?? [])].find((object) => object.uid === uid);
    if (isGone && there !== undefined)
      throw new Broken(5, `${there.kind} ${there.name} is confirmed gone, and is there`);
  }

  #judgeFreshness(workId: string): void {
    const cluster = this.store.works.get(workId)?.cluster ?? '';
    const freshness = this.store.freshnessOf(workId);
    const silentMs = this.time.now() - (this.#heardAt.get(cluster) ?? 0);
    if (freshness === 'fresh' && silentMs > this.leaseTtlMs + slowestBeat)
      throw new Broken(5, `${cluster} has been silent for ${silentMs} ms, and its status is shown as fresh`);
    if (freshness !== 'unknown' && silentMs > this.leaseTtlMs + 30_000 + slowestBeat)
      throw new Broken(5, `${cluster} has been silent for ${silentMs} ms, and its status is shown as ${freshness}`);
  }
}
