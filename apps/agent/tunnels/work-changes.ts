/** Who wants to hear that something of a work has changed, besides the agent itself. */
export class WorkChanges {
  readonly #waiting = new Map<string, Set<() => void>>();

  /** Resolves at the next change of this work, or when the signal aborts. */
  next(workId: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(workId) ?? new Set();
      this.#waiting.set(workId, waiting);
      const wake = () => {
        signal.removeEventListener('abort', wake);
        waiting.delete(wake);
        if (waiting.size === 0 && this.#waiting.get(workId) === waiting) this.#waiting.delete(workId);
        resolve();
      };
      waiting.add(wake);
      signal.addEventListener('abort', wake, { once: true });
      if (signal.aborted) wake();
    });
  }

  tell(workId: string): void {
    for (const wake of [...(this.#waiting.get(workId) ?? [])]) wake();
  }
}
