const largestBatch = 64;

interface Asker<V> {
  resolve(value: V | undefined): void;
  reject(error: unknown): void;
}

/** What one statement can answer together: ids under the same rights. */
interface Group<G, V> {
  of: G;
  waiting: Map<string, Asker<V>[]>;
}

/**
 * Reads single things, several with one statement when several are asked for at once. Nobody waits while there is a
 * statement to spare; a read never joins one that has begun, so it sees everything committed before it was asked for.
 */
export class BatchedReads<G, V> {
  /** By key, in the order in which they began to wait. */
  readonly #groups = new Map<string, Group<G, V>>();
  #underWay = 0;

  /** `load` answers what is there, by id. So many statements are under way at a time; what is asked for meanwhile shares the next. */
  constructor(
    private readonly mostAtOnce: number,
    private readonly load: (group: G, ids: readonly string[]) => Promise<ReadonlyMap<string, V>>,
  ) {}

  /** `groupKey` must say everything that `group` says. Undefined: it is not there. */
  read(groupKey: string, group: G, id: string): Promise<V | undefined> {
    return new Promise((resolve, reject) => {
      const known = this.#groups.get(groupKey) ?? { of: group, waiting: new Map<string, Asker<V>[]>() };
      this.#groups.set(groupKey, known);
      const askers = known.waiting.get(id) ?? [];
      known.waiting.set(id, [...askers, { resolve, reject }]);
      this.#begin();
    });
  }

  #begin(): void {
    if (this.#underWay >= this.mostAtOnce) return;
    for (const [key, { of, waiting }] of this.#groups) {
      // Taken out and, with what did not fit, put back behind the others: nobody's load keeps others waiting.
      this.#groups.delete(key);
      const batch = new Map([...waiting].slice(0, largestBatch));
      for (const id of batch.keys()) waiting.delete(id);
      if (waiting.size > 0) this.#groups.set(key, { of, waiting });
      this.#underWay += 1;
      void this.#run(of, batch);
      return;
    }
  }

  async #run(group: G, batch: ReadonlyMap<string, readonly Asker<V>[]>): Promise<void> {
    try {
      const found = await this.load(group, [...batch.keys()]);
      for (const [id, askers] of batch) for (const { resolve } of askers) resolve(found.get(id));
    } catch (error) {
      for (const askers of batch.values()) for (const { reject } of askers) reject(error);
    } finally {
      this.#underWay -= 1;
      this.#begin();
    }
  }
}
