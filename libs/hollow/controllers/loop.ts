import type { Alarms } from '../alarms.js';

const retryMs = 1000;

/** Runs what controllers have to do after the write that caused it, each key once a turn, in order. */
export class Loop {
  private pending = new Map<string, () => void>();
  private scheduled: NodeJS.Immediate | undefined;

  constructor(private readonly alarms: Alarms) {}

  enqueue(key: string, run: () => void): void {
    this.pending.set(key, run);
    this.scheduled ??= setImmediate(() => this.drain());
  }

  close(): void {
    clearImmediate(this.scheduled);
    this.pending.clear();
  }

  private drain(): void {
    const turn = this.pending;
    this.pending = new Map();
    this.scheduled = undefined;
    for (const [key, run] of turn) this.attempt(key, run);
  }

  private attempt(key: string, run: () => void): void {
    try {
      run();
    } catch (cause) {
      process.emitWarning(
        `hollow cluster: ${key} failed and is tried again: ${cause instanceof Error ? cause.stack : String(cause)}`,
      );
      this.alarms.after(retryMs, () => this.enqueue(key, run));
    }
  }
}
