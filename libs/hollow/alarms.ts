/** Epoch milliseconds. */
export interface Clock {
  now(): number;
}

interface Alarm {
  dueMs: number;
  ring: (() => void) | undefined;
}

/** Many delays on one timer, armed only while something is due: an idle cluster costs no wake-ups. */
export class Alarms {
  private readonly heap: Alarm[] = [];
  private timer: NodeJS.Timeout | undefined;
  private armedForMs = Number.POSITIVE_INFINITY;
  private closed = false;

  constructor(private readonly clock: Clock) {}

  /** Calls `ring` once, `delayMs` from now, unless cancelled by the function it returns. */
  after(delayMs: number, ring: () => void): () => void {
    const alarm: Alarm = { dueMs: this.clock.now() + delayMs, ring };
    if (this.closed) return () => {};
    this.push(alarm);
    this.arm();
    return () => {
      alarm.ring = undefined;
    };
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
    this.heap.length = 0;
  }

  private arm(): void {
    const next = this.heap[0];
    if (next === undefined || this.closed || next.dueMs >= this.armedForMs) return;
    clearTimeout(this.timer);
    this.armedForMs = next.dueMs;
    this.timer = setTimeout(() => this.fire(), Math.max(0, next.dueMs - this.clock.now()));
  }

  private fire(): void {
    this.armedForMs = Number.POSITIVE_INFINITY;
    const nowMs = this.clock.now();
    for (let next = this.heap[0]; next !== undefined && next.dueMs <= nowMs; next = this.heap[0]) {
      this.pop();
      next.ring?.();
    }
    this.arm();
  }

  private push(alarm: Alarm): void {
    const { heap } = this;
    let index = heap.push(alarm) - 1;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = heap[parentIndex];
      if (parent === undefined || parent.dueMs <= alarm.dueMs) break;
      heap[index] = parent;
      index = parentIndex;
    }
    heap[index] = alarm;
  }

  private pop(): void {
    const { heap } = this;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      let childIndex = 2 * index + 1;
      let child = heap[childIndex];
      if (child === undefined) break;
      const right = heap[childIndex + 1];
      if (right !== undefined && right.dueMs < child.dueMs) {
        child = right;
        childIndex += 1;
      }
      if (child.dueMs >= last.dueMs) break;
      heap[index] = child;
      index = childIndex;
    }
    heap[index] = last;
  }
}
