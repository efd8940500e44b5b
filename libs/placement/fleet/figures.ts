import type { Resources } from '#domain';
import type { ClusterState } from './cluster-state.js';
import { type NodeClasses } from './node-classes.js';
import { amountsOf, resourceNames } from './resources.js';

/** Cells of each slot in the columns by resource. */
export const stride = resourceNames.length;

/** Changes that are remembered slot by slot. A power of two. */
const logged = 1024;

/** floor(amount × permille ÷ 1000), exact as long as the result is. */
const scaled = (amount: number, permille: number): number =>
  Math.floor(amount / 1000) * permille + Math.floor(((amount % 1000) * permille) / 1000);

/**
 * The fleet's figures in columns: `stride` cells for each slot, resources in the order of `resourceNames`. Decisions run
 * over these arrays themselves; they are others after `reach`.
 */
export class Figures {
  /** Allocatable × over-subscription. */
  limit = new Float64Array(0);
  /** Limit − foreign requests − reserved; below zero when the cluster is over-full. */
  free = new Float64Array(0);
  allocatable = new Float64Array(0);
  /** p95 of measured use, −1 when there is none to go by. */
  measured = new Float64Array(0);
  /** Thousandths of the limit that are not free; 1000 where there is no limit to speak of. */
  share = new Float64Array(0);
  /** Thousandths of the limit that one more unit of the resource is. */
  perUnit = new Float64Array(0);
  /** What surely fits at once: in sum, and on the roomiest node without taints; −1 when there is none. */
  atOnce = new Float64Array(0);
  /** Of the roomiest node without taints, what is free; all −1 when there is none, `Infinity` when nodes are not known. */
  #roomiest = new Float64Array(0);
  /** One cell for each slot: the largest share of a resource that is measured as used, 0 when nothing is measured. */
  measuredShare = new Float64Array(0);
  /** How often something of a slot was written. */
  changes = 0;
  /** The slots of the last of these, the place of the n-th at n modulo its length. */
  readonly #changed = new Int32Array(logged);
  #slots = 0;

  /** Makes room for a slot. */
  reach(slot: number): void {
    if (slot < this.#slots) return;
    this.#slots = Math.max(16, this.#slots * 2, slot + 1);
    const wider = (column: Float64Array, cells: number): Float64Array<ArrayBuffer> => {
      const grown = new Float64Array(this.#slots * cells);
      grown.set(column);
      return grown;
    };
    this.limit = wider(this.limit, stride);
    this.free = wider(this.free, stride);
    this.allocatable = wider(this.allocatable, stride);
    this.measured = wider(this.measured, stride);
    this.share = wider(this.share, stride);
    this.perUnit = wider(this.perUnit, stride);
    this.atOnce = wider(this.atOnce, stride);
    this.#roomiest = wider(this.#roomiest, stride);
    this.measuredShare = wider(this.measuredShare, 1);
  }

  write(slot: number, state: ClusterState): void {
    const permilles = [state.overSubscription.mcpuPermille, state.overSubscription.memoryPermille, 1000];
    const use = state.measureFresh ? state.measured : undefined;
    const measured = [use?.mcpu ?? -1, use?.memoryBytes ?? -1, -1];
    let share = 0;
    for (const [at, resource] of resourceNames.entries()) {
      const cell = slot * stride + at;
      const limit = scaled(state.allocatable[resource], permilles[at] ?? 1000);
      const used = measured[at] ?? -1;
      this.allocatable[cell] = state.allocatable[resource];
      this.limit[cell] = limit;
      this.perUnit[cell] = limit > 0 ? 1000 / limit : 0;
      const kept = state.nominated?.[resource] ?? 0;
      this.#setFree(cell, limit - state.foreignRequests[resource] - state.reserved[resource] - kept);
      this.measured[cell] = used;
      const whole = state.allocatable[resource];
      if (used >= 0) share = Math.max(share, whole > 0 ? used / whole : 1);
    }
    this.measuredShare[slot] = share;
  }

  /** After `write`, and whenever classes have changed. */
  noteRoomiest(slot: number, classes: NodeClasses): void {
    const first = slot * stride;
    if (classes.known) classes.writeRoomiest(this.#roomiest, first);
    else this.#roomiest.fill(Number.POSITIVE_INFINITY, first, first + stride);
    for (let cell = first; cell < first + stride; cell++) this.#setFree(cell, this.free[cell] ?? 0);
    this.#note(slot);
  }

  /** Takes an amount out of what is free, or gives it back with `times` −1. */
  take(slot: number, amount: Resources, times: 1 | -1): void {
    const amounts = amountsOf(amount);
    for (let at = 0; at < stride; at++) {
      const cell = slot * stride + at;
      this.#setFree(cell, (this.free[cell] ?? 0) - times * (amounts[at] ?? 0));
    }
    this.#note(slot);
  }

  /** The slots that were written since there were so many changes, maybe more than once each; undefined: too many to tell. */
  changedSince(seen: number): Int32Array | undefined {
    const count = this.changes - seen;
    if (count > logged) return undefined;
    const from = seen % logged;
    if (from + count <= logged) return this.#changed.subarray(from, from + count);
    const wrapped = new Int32Array(count);
    for (let at = 0; at < count; at++) wrapped[at] = this.#changed[(seen + at) % logged] ?? 0;
    return wrapped;
  }

  /** `share` if so much were free. */
  shareOf(cell: number, free: number): number {
    const limit = this.limit[cell] ?? 0;
    return limit > 0 ? (limit - free) * (this.perUnit[cell] ?? 0) : 1000;
  }

  #note(slot: number): void {
    this.#changed[this.changes % logged] = slot;
    this.changes += 1;
  }

  #setFree(cell: number, free: number): void {
    this.free[cell] = free;
    this.share[cell] = this.shareOf(cell, free);
    this.atOnce[cell] = Math.min(free, this.#roomiest[cell] ?? 0);
  }
}
