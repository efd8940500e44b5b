/** One deed at a time for one object: what was judged about it still holds when the deed arrives. */
export class Turns {
  readonly #last = new Map<string, Promise<void>>();

  within<T>(key: string, work: () => Promise<T>): Promise<T> {
    const mine = Promise.resolve(this.#last.get(key)).then(work);
    const settled: Promise<void> = mine.then(
      () => undefined,
      () => undefined, // the caller gets the failure
    );
    this.#last.set(key, settled);
    void settled.then(() => {
      if (this.#last.get(key) === settled) this.#last.delete(key);
    });
    return mine;
  }
}
