import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { create } from '@bufbuild/protobuf';
import { inventoryToWire, line } from '#contract';
import {
  type ClusterSchema,
  canonicalJson,
  type FieldTree,
  type Inventory,
  type JsonObject,
  type JsonValue,
  type Millis,
} from '#domain';
import { type AgentParts, rest } from '../seams.js';
import type { HeldWorks } from '../work/held-works.js';

const deflate = promisify(gzip);
const inventoryTimeoutMs: Millis = 10_000;
/** An agent that has heard nothing of its cluster for so long, and three intervals, does not vouch for it: its lease runs out. */
const blindAfterMs: Millis = 15_000;

/** Heartbeats of one epoch: the lease, and the inventory when it has changed. */
export class Pulse {
  #said = '';
  #inventory: Inventory | undefined;
  /** Waited since the member last answered from its store, whatever became of the clock; a session begins with trust. */
  #blindMs: Millis = 0;
  #patienceMs: Millis = blindAfterMs;

  constructor(
    private readonly parts: AgentParts,
    private readonly held: HeldWorks,
    private readonly write: (message: line.ConnectRequest['message']) => Promise<void>,
  ) {}

  /** Until the signal aborts. A member that does not answer delays no heartbeat, and after a while there is none. */
  async run(intervalMs: Millis, signal: AbortSignal): Promise<void> {
    this.#patienceMs = Math.max(blindAfterMs, 3 * intervalMs);
    const reading = this.#keepReading(intervalMs, signal);
    while (!signal.aborted) {
      await this.#beat();
      if (!(await rest(this.parts.timing, intervalMs, signal))) break;
      this.#blindMs += intervalMs;
    }
    await reading;
  }

  async reportSchema(): Promise<void> {
    const { schema, digest } = await this.parts.member.schema();
    const content = await deflate(JSON.stringify(plain(schema)));
    await this.write({ case: 'schemaReport', value: create(line.SchemaReportSchema, { digest, content }) });
  }

  async #beat(): Promise<void> {
    if (this.#blindMs >= this.#patienceMs) {
      this.parts.log.warn({ blindMs: this.#blindMs }, 'the member does not answer: no heartbeat');
      return;
    }
    const inventory = this.#inventory;
    const text = inventory === undefined ? '' : canonicalJson(comparable(inventory));
    const isNew = inventory !== undefined && text !== this.#said;
    this.#said = text;
    const value = create(line.HeartbeatSchema, {
      appliedWorkSequence: this.held.appliedUpTo,
      ...(isNew ? { inventory: inventoryToWire(inventory) } : {}),
    });
    await this.write({ case: 'heartbeat', value });
  }

  async #keepReading(intervalMs: Millis, signal: AbortSignal): Promise<void> {
    const { member, log, timing } = this.parts;
    while (!signal.aborted) {
      try {
        // first how far, then the figures: they may show more than they say, never less
        const reflectedWorkSequence = this.held.reflectedUpTo;
        const bounds = { signal, timeoutMs: inventoryTimeoutMs };
        // an object, so that the store behind the API server must answer, too
        const [read] = await Promise.all([member.inventory(bounds), member.clusterUid(bounds)]);
        this.#blindMs = 0;
        const isFirst = this.#inventory === undefined;
        this.#inventory = { ...read, reflectedWorkSequence };
        if (isFirst) await this.#beat();
      } catch (err) {
        if (signal.aborted) return;
        log.warn({ err }, 'the inventory could not be read; the last one stands');
      }
      await rest(timing, intervalMs, signal);
    }
  }
}

const comparable = (inventory: Inventory): JsonValue =>
  JSON.parse(
    JSON.stringify({ ...inventory, reflectedWorkSequence: inventory.reflectedWorkSequence.toString() }),
  ) as JsonValue;

const plainTree = (tree: FieldTree): JsonValue => (tree === true ? true : plain(tree));
const plain = (schema: ClusterSchema): JsonObject =>
  Object.fromEntries(Object.entries(schema).map(([name, tree]) => [name, plainTree(tree)]));
