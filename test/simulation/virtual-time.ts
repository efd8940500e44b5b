import type { Clock, Instant, Millis } from '#domain';

interface Event {
  at: Instant;
  order: number;
  run(): void;
}

/** A process of the simulation. What it waits for never comes once it was killed: that is all that a kill is. */
export class Life {
  #killed = false;
  readonly #onKill: (() => void)[] = [];

  get isOver(): boolean {
    return this.#killed;
  }

  onKill(then: () => void): void {
    this.#onKill.push(then);
  }

  kill(): void {
    if (this.#killed) return;
    this.#killed = true;
    for (const then of this.#onKill) then();
  }
}

/** Time that moves from event to event, once everything that an event set off has settled. */
export class VirtualTime implements Clock {
  #now: Instant;
  #order = 0;
  readonly #heap: Event[] = [];

  constructor(start: Instant) {
    this.#now = start;
  }

  now(): Instant {
    return this.#now;
  }

  after(ms: Millis, run: () => void): void {
    this.#push({ at: this.#now + Math.max(0, ms), order: this.#order++, run });
  }

  /** Resolves after `ms`, or when the signal aborts; answers which. Never, when the life is over by then. */
  sleep(ms: Millis, signal?: AbortSignal, life?: Life): Promise<'slept' | 'aborted'> {
    if (signal?.aborted === true) return Promise.resolve('aborted');
    return new Promise((resolve) => {
      const finish = (how: 'slept' | 'aborted') => {
        signal?.removeEventListener('abort', abort);
        if (life?.isOver !== true) resolve(how);
      };
      const abort = () => finish('aborted');
      signal?.addEventListener('abort', abort, { once: true });
      this.after(ms, () => finish('slept'));
    });
  }

  /** Runs the next event and everything that follows from it at once; answers false when there is none. */
  async step(): Promise<boolean> {
    await settled();
    const event = this.#pop();
    if (event === undefined) return false;
    this.#now = event.at;
    event.run();
    await settled();
    return true;
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let index = heap.push(event) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isEarlier(event, heap[parent])) break;
      heap[index] = heap[parent] ?? event;
      index = parent;
    }
    heap[index] = event;
  }

  #pop(): Event | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || first === last) return first;
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      const child = isEarlier(heap[left + 1], heap[left]) ? left + 1 : left;
      const smaller = heap[child];
      if (smaller === undefined || !isEarlier(smaller, last)) break;
      heap[index] = smaller;
      index = child;
    }
    heap[index] = last;
    return first;
  }
}

const isEarlier = (a: Event | undefined, b: Event | undefined): boolean =>
  a !== undefined && (b === undefined || a.at < b.at || (a.at === b.at && a.order < b.order));

/** Microtasks run dry before the next turn of the loop; nothing in a simulation waits for anything else. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
