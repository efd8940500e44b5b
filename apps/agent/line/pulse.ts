import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { create } from '@bufbuild/protobuf';
import { inventoryChange, inventoryChangeToWire, inventoryToWire, line } from '#contract';
import {
  addResources,
  type ClusterSchema,
  type FieldTree,
  type Instant,
  type Inventory,
  type InventoryChange,
  type JsonObject,
  type JsonValue,
  type Millis,
  mostUnreflectedWorks,
  type Resources,
  subtractResources,
} from '#domain';
import { type AgentParts, rest } from '../seams.js';
import type { HeldWorks } from '../work/held-works.js';

const deflate = promisify(gzip);
const inventoryTimeoutMs: Millis = 10_000;
const catchingUpMs: Millis = 100;
/** An agent that has heard nothing of its cluster for so long, and three intervals, does not vouch for it: its lease runs out. */
const blindAfterMs: Millis = 15_000;
/** A measure that stays as it is is told again after so long: the store forgets how old an unchanged one is. */
const measureLasts: Millis = 45_000;
/** The first inventory waits so long for the works that were missed: before them, the agent knows not whose pods it sees. */
const patienceMs: Millis = 15_000;

export interface PulseOptions {
  intervalMs: Millis;
  /** The hub reads changes; an older one gets whole inventories, and no works by name. */
  takesChanges: boolean;
  /** Everything that was missed has been received. */
  isCaughtUp(): boolean;
  /** What the hub asked for before, in this session's place. */
  labelKeys: readonly string[];
  /** Requests of pods that carry a work's name and are Berth's no more. */
  handedBack(): Resources;
}

/** Heartbeats of one epoch: the lease, and what of the inventory has changed. */
export class Pulse {
  #said: Inventory | undefined;
  #measureSaidAt: Instant = 0;
  #inventory: Inventory | undefined;
  /** Waited since the member last answered from its store, whatever became of the clock; a session begins with trust. */
  #blindMs: Millis = 0;

  /** Asked for by the hub; none unless it said. */
  #labelKeys: readonly string[];
  /** What the last inventory was read with. */
  #readWith: readonly string[] = [];
  #endRest: () => void = () => undefined;

  constructor(
    private readonly parts: Omit<AgentParts, 'watch'>,
    private readonly held: Pick<HeldWorks, 'appliedUpTo' | 'reflection'>,
    private readonly write: (message: line.ConnectRequest['message']) => Promise<void>,
    private readonly options: PulseOptions,
  ) {
    this.#labelKeys = options.labelKeys;
  }

  /** Until the signal aborts. A member that does not answer delays no heartbeat, and after a while there is none. */
  async run(signal: AbortSignal): Promise<void> {
    const reading = this.#keepReading(signal);
    while (!signal.aborted) {
      await this.#beat();
      if (!(await rest(this.parts.timing, this.options.intervalMs, signal))) break;
      this.#blindMs += this.options.intervalMs;
    }
    await reading;
  }

  /** The next heartbeat brings the whole inventory. */
  repeat(): void {
    this.#said = undefined;
  }

  /** Tells classes of nodes apart by labels under these keys, at once. */
  tellApartBy(labelKeys: readonly string[]): void {
    this.#labelKeys = labelKeys;
    this.#endRest();
  }

  async reportSchema(): Promise<void> {
    const { schema, digest } = await this.parts.member.schema();
    const content = await deflate(JSON.stringify(plain(schema)));
    await this.write({ case: 'schemaReport', value: create(line.SchemaReportSchema, { digest, content }) });
  }

  async #beat(): Promise<void> {
    if (this.#blindMs >= Math.max(blindAfterMs, 3 * this.options.intervalMs)) {
      this.parts.log.warn({ blindMs: this.#blindMs }, 'the member does not answer: no heartbeat');
      return;
    }
    const value = create(line.HeartbeatSchema, { appliedWorkSequence: this.held.appliedUpTo, ...this.#news() });
    await this.write({ case: 'heartbeat', value });
  }

  #news(): Partial<Pick<line.Heartbeat, 'inventory' | 'inventoryDelta'>> {
    const before = this.#said;
    const after = this.#inventory;
    if (after === undefined) return {};
    const change = before === undefined ? undefined : this.#changeSince(before, after);
    if (before !== undefined && change === undefined) return {};
    this.#said = after;
    if (change === undefined || 'measured' in change) this.#measureSaidAt = this.parts.timing.clock.now();
    return change === undefined || !this.options.takesChanges
      ? { inventory: inventoryToWire(after) }
      : { inventoryDelta: inventoryChangeToWire(change) };
  }

  #changeSince(before: Inventory, after: Inventory): InventoryChange | undefined {
    const change = inventoryChange(before, after);
    const { measured } = after;
    const isOld = this.parts.timing.clock.now() - this.#measureSaidAt >= measureLasts;
    return measured !== undefined && isOld ? { ...change, measured } : change;
  }

  async #keepReading(signal: AbortSignal): Promise<void> {
    const { log, timing } = this.parts;
    const patientUntil = timing.clock.now() + patienceMs;
    while (!signal.aborted) {
      const isPatient = timing.clock.now() < patientUntil;
      try {
        const labelKeys = this.#labelKeys;
        const isKnown = await this.#read(signal, isPatient);
        if (labelKeys === this.#labelKeys) await this.#rest(isKnown ? this.options.intervalMs : catchingUpMs, signal);
        continue;
      } catch (err) {
        if (signal.aborted) return;
        log.warn({ err }, 'the inventory could not be read; the last one stands');
      }
      await this.#rest(this.options.intervalMs, signal);
    }
  }

  /** Until then, or until there is something else to read. */
  async #rest(ms: Millis, signal: AbortSignal): Promise<void> {
    const over = new AbortController();
    const end = () => over.abort();
    signal.addEventListener('abort', end, { once: true });
    this.#endRest = end;
    if (signal.aborted) end();
    await rest(this.parts.timing, ms, over.signal);
    signal.removeEventListener('abort', end);
  }

  /** Answers false when the figures are not told yet: it is not known what they reflect. */
  async #read(signal: AbortSignal, isPatient: boolean): Promise<boolean> {
    const { member } = this.parts;
    const bounds = { signal, timeoutMs: inventoryTimeoutMs };
    const labelKeys = this.#labelKeys;
    // first how far, then the figures: they may show more than they say, never less
    const reflected = this.held.reflection(this.options.takesChanges ? mostUnreflectedWorks : 0);
    const isKnown = this.#inventory !== undefined || this.options.isCaughtUp() || !isPatient;
    // an object, so that the store behind the API server must answer, too
    const [read] = await Promise.all([member.inventory({ ...bounds, labelKeys }), member.clusterUid(bounds)]);
    this.#blindMs = 0;
    if (!isKnown) return false;
    const isAwaited = this.#inventory === undefined || labelKeys !== this.#readWith;
    this.#readWith = labelKeys;
    this.#inventory = { ...handOver(read, this.options.handedBack()), reflected };
    if (isAwaited) await this.#beat();
    return true;
  }
}

/** What counted as Berth's, and is not. */
const handOver = (read: Omit<Inventory, 'reflected'>, amount: Resources): Omit<Inventory, 'reflected'> => ({
  ...read,
  foreignRequests: addResources(read.foreignRequests, amount),
  berthRequests: atLeastNone(subtractResources(read.berthRequests, amount)),
});

/** Pods may have come or gone since the figures were read. */
const atLeastNone = ({ mcpu, memoryBytes, pods }: Resources): Resources => ({
  mcpu: Math.max(0, mcpu),
  memoryBytes: Math.max(0, memoryBytes),
  pods: Math.max(0, pods),
});

const plainTree = (tree: FieldTree): JsonValue => (tree === true ? true : plain(tree));
const plain = (schema: ClusterSchema): JsonObject =>
  Object.fromEntries(Object.entries(schema).map(([name, tree]) => [name, plainTree(tree)]));
