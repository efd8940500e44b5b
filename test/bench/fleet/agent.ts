import { create, toBinary } from '@bufbuild/protobuf';
import { durationMs } from '@bufbuild/protobuf/wkt';
import { line } from '#contract';
import type { Chance } from '#domain';
import { systemTiming } from '#kube';
import { type ClientBidi, type ClientTls, createRpcClient, RpcError } from '#platform';
import { backoffMs, lostLine, rest } from '../../../apps/agent/seams.js';
import { someChange, someInventory } from './inventory.js';

type Stream = ClientBidi<typeof line.ConnectRequestSchema, typeof line.ConnectResponseSchema>;

const worksPerPart = 200;

/** What the agents of a process have done together. */
export interface Tally {
  inStep: number;
  lastInStepAt: number;
  lost: number;
  /** Of those the ones that failed, by the hub's reason, or gRPC's code. */
  failed: Record<string, number>;
  reportsStored: number;
  rowsStored: number;
  heartbeats: number;
}

export interface FleetAgentOptions {
  cluster: string;
  hub: string;
  tls: ClientTls;
  tally: Tally;
  chance: Chance;
  signal: AbortSignal;
}

/** Told the milliseconds until a report was acknowledged; undefined when its stream ended before. */
type Settled = (lagMs: number | undefined) => void;

interface InFlight {
  at: number;
  rows: number;
  isLastOfFull: boolean;
  settled: Settled | undefined;
}

/** A work's status as bytes, in which one byte counts: encoding must not take the CPU that the hub is measured with. */
class EncodedStatus {
  readonly #bytes: Buffer;
  readonly #countedAt: number;

  constructor(workId: string, generation: bigint) {
    const encoded = [1, 2].map((restarts) => toBinary(line.WorkStatusSchema, statusOf(workId, generation, restarts)));
    const [first = new Uint8Array(), second = new Uint8Array()] = encoded;
    this.#countedAt = 2 + first.findIndex((byte, index) => byte !== second[index]);
    this.#bytes = Buffer.concat([Uint8Array.of((first.length & 0x7f) | 0x80, first.length >> 7), first]);
  }

  /** Another status than before, with its length in front, as the field of a report. */
  next(): Uint8Array {
    this.#bytes[this.#countedAt] = ((this.#bytes[this.#countedAt] ?? 0) % 127) + 1;
    return this.#bytes;
  }
}

/** A Deployment and a Service that are ready: 400 bytes, what most works have to say. */
function statusOf(workId: string, generation: bigint, restarts: number): line.WorkStatus {
  const common = { namespace: `berth-${workId.slice(0, 8)}`, name: 'web', resourceVersion: '184467', ready: true };
  const objects = [
    { ...common, apiVersion: 'apps/v1', kind: 'Deployment', uid: workId, summary: '3/3 ready' },
    { ...common, apiVersion: 'v1', kind: 'Service', uid: workId, summary: '' },
  ].map((object) => create(line.ObjectStatusSchema, object));
  const replicas = { desired: 3, updated: 3, ready: 3, unavailable: 0, restarts };
  return create(line.WorkStatusSchema, { workId, generation, phase: line.WorkPhase.READY, ...replicas, objects });
}

/**
 * An agent as the hub sees it, without a cluster behind it: it connects with its certificate, says where it resumes,
 * takes works, reports in full and by changes, beats, and comes back when the stream ends.
 */
export class FleetAgent {
  readonly #works = new Map<string, EncodedStatus>();
  #ids: string[] = [];
  #received = 0n;
  #head = 0n;
  #incarnation: string | undefined;
  #isInStep = false;
  #isReportedInFull = false;
  #sequence = 0n;
  #stream: Stream | undefined;
  readonly #inFlight = new Map<bigint, InFlight>();
  #changesInventory = false;

  constructor(private readonly options: FleetAgentOptions) {}

  get worksHeld(): number {
    return this.#ids.length;
  }

  get inFlight(): number {
    return this.#inFlight.size;
  }

  changeInventory(changes: boolean): void {
    this.#changesInventory = changes;
  }

  /** Connects, and again whenever the stream has ended, until the signal aborts. */
  async run(): Promise<void> {
    const { chance, signal, tally } = this.options;
    let failures = 0;
    while (!signal.aborted) {
      const wasWelcomed = await this.#converse();
      if (signal.aborted) return;
      tally.lost += 1;
      failures = wasWelcomed ? 1 : failures + 1;
      await rest(systemTiming, backoffMs(failures, lostLine, chance), signal);
    }
  }

  /** Reports that these works, by their place, have changed; undefined while it is not in step. */
  report(places: readonly number[], settled?: Settled): Promise<void> | undefined {
    if (!this.#isInStep) return undefined;
    return this.#send(
      places.map((place) => this.#ids[place % this.#ids.length] ?? ''),
      line.Bracket.DELTA,
      settled,
    );
  }

  async #converse(): Promise<boolean> {
    const { hub, tls, signal } = this.options;
    const client = createRpcClient(line.AgentService, { address: hub, tls, ownConnection: true });
    const stream = client.rpc.connect();
    const over = new AbortController();
    const hangUp = () => stream.cancel();
    signal.addEventListener('abort', hangUp, { once: true });
    let wasWelcomed = false;
    try {
      const resumeFrom =
        this.#incarnation === undefined
          ? {}
          : { resumeFrom: { incarnation: this.#incarnation, sequence: this.#received } };
      const hello = { agentVersion: 'bench', clusterUid: this.options.cluster, ...resumeFrom };
      await stream.write({ message: { case: 'hello', value: create(line.HelloSchema, hello) } });
      for await (const { message } of stream.messages) {
        if (message.case === 'welcome') {
          wasWelcomed = true;
          this.#welcomed(stream, message.value, over.signal);
        } else this.#heard(message);
        if (message.case === 'goodbye') break;
      }
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      const { code, details } = error;
      const why = details.errorInfo?.reason ?? code;
      this.options.tally.failed[why] = (this.options.tally.failed[why] ?? 0) + 1;
    } finally {
      over.abort();
      signal.removeEventListener('abort', hangUp);
      this.#ended();
      stream.cancel();
      client.close();
    }
    return wasWelcomed;
  }

  #welcomed(stream: Stream, welcome: line.Welcome, over: AbortSignal): void {
    this.#stream = stream;
    this.#incarnation = welcome.incarnation;
    this.#head = welcome.headSequence;
    this.#sequence = 0n;
    this.#isReportedInFull = false;
    const intervalMs = welcome.heartbeatInterval === undefined ? 3_000 : durationMs(welcome.heartbeatInterval);
    void this.#beat(stream, intervalMs, over).catch(() => undefined); // the reading loop tells of the end
    this.#reportInFull();
  }

  #ended(): void {
    this.#stream = undefined;
    if (this.#isInStep) this.options.tally.inStep -= 1;
    this.#isInStep = false;
    const unsettled = [...this.#inFlight.values()];
    this.#inFlight.clear();
    for (const { settled } of unsettled) settled?.(undefined);
  }

  #heard(message: line.ConnectResponse['message']): void {
    if (message.case === 'workBatch') this.#take(message.value);
    if (message.case === 'statusAck') this.#stored(message.value.sequence);
  }

  #take(batch: line.WorkBatch): void {
    const fresh: string[] = [];
    for (const { item } of batch.items) {
      if (item.case !== 'work') continue;
      const { id, generation } = item.value;
      if (!this.#works.has(id)) fresh.push(id);
      this.#works.set(id, new EncodedStatus(id, generation?.sequence ?? 0n));
    }
    this.#ids.push(...fresh);
    this.#received = batch.upTo?.sequence ?? this.#received;
    if (!this.#isReportedInFull) this.#reportInFull();
    else if (fresh.length > 0) void this.#send(fresh, line.Bracket.DELTA)?.catch(() => undefined); // as above
  }

  #reportInFull(): void {
    if (this.#isReportedInFull || this.#received < this.#head) return;
    this.#isReportedInFull = true;
    const parts: string[][] = [];
    for (let from = 0; from < this.#ids.length || parts.length === 0; from += worksPerPart)
      parts.push(this.#ids.slice(from, from + worksPerPart));
    parts.forEach((part, index) => {
      const isLast = index === parts.length - 1;
      const begun = isLast ? line.Bracket.WHOLE : line.Bracket.BEGIN;
      const bracket = index === 0 ? begun : isLast ? line.Bracket.END : line.Bracket.PART;
      void this.#send(part, bracket, undefined, isLast)?.catch(() => undefined); // as above
    });
  }

  #send(
    ids: readonly string[],
    bracket: line.Bracket,
    settled?: Settled,
    isLastOfFull = false,
  ): Promise<void> | undefined {
    this.#sequence += 1n;
    const sequence = this.#sequence;
    const report = create(line.StatusReportSchema, { sequence, bracket });
    report.$unknown = ids.map((id) => ({ no: 3, wireType: 2, data: this.#works.get(id)?.next() ?? new Uint8Array(1) }));
    this.#inFlight.set(sequence, { at: performance.now(), rows: ids.length, isLastOfFull, settled });
    return this.#stream?.write({ message: { case: 'statusReport', value: report } });
  }

  #stored(upTo: bigint): void {
    const { tally } = this.options;
    const now = performance.now();
    for (const [sequence, { at, rows, isLastOfFull, settled }] of this.#inFlight) {
      if (sequence > upTo) break;
      this.#inFlight.delete(sequence);
      tally.reportsStored += 1;
      tally.rowsStored += rows;
      settled?.(now - at);
      if (!isLastOfFull) continue;
      this.#isInStep = true;
      tally.inStep += 1;
      tally.lastInStepAt = Date.now();
    }
  }

  /** The first at once, with the inventory; afterwards with it only when it has changed. */
  async #beat(stream: Stream, intervalMs: number, over: AbortSignal): Promise<void> {
    for (let isFirst = true; !over.aborted; isFirst = false) {
      const changed = this.#changesInventory ? { inventoryDelta: someChange(this.options.chance) } : {};
      const inventory = isFirst ? { inventory: someInventory(this.options.chance, this.#received) } : changed;
      const value = create(line.HeartbeatSchema, { appliedWorkSequence: this.#received, ...inventory });
      await stream.write({ message: { case: 'heartbeat', value } });
      this.options.tally.heartbeats += 1;
      // not all in the same moment, however they were connected
      const pauseMs = isFirst ? intervalMs * this.options.chance() : intervalMs;
      if (!(await rest(systemTiming, pauseMs, over))) return;
    }
  }
}
