interface Waiting<Item, Answer> {
  item: Item;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

interface Lane<Item, Answer> {
  underWay: number;
  waiting: Waiting<Item, Answer>[];
}

export interface GroupCommitOptions<Item, Answer> {
  /** Items of one lane wait for each other. */
  laneOf(item: Item): string;
  /** Items of one group differ in this. */
  subjectOf(item: Item): string;
  mostItems: number;
  /** Groups of one lane at a time: the second is on its way while the first commits. */
  mostGroups: number;
  /** All or none; answers in the order of the items. */
  take(items: readonly Item[]): Promise<readonly Answer[]>;
}

/**
 * What would stand in line for one row's lock shares a transaction instead: whoever comes while groups are under way takes
 * part in the next one. Nobody waits for company. A group that fails is taken again item by item, so that each gets its
 * own refusal and no other's.
 */
export class GroupCommit<Item, Answer> {
  readonly #lanes = new Map<string, Lane<Item, Answer>>();

  constructor(private readonly options: GroupCommitOptions<Item, Answer>) {}

  join(item: Item): Promise<Answer> {
    const name = this.options.laneOf(item);
    const lane = this.#lanes.get(name) ?? { underWay: 0, waiting: [] };
    this.#lanes.set(name, lane);
    return new Promise((resolve, reject) => {
      lane.waiting.push({ item, resolve, reject });
      if (lane.underWay < this.options.mostGroups) void this.#run(name, lane);
    });
  }

  async #run(name: string, lane: Lane<Item, Answer>): Promise<void> {
    lane.underWay += 1;
    while (lane.waiting.length > 0) await this.#commit(this.#next(lane));
    lane.underWay -= 1;
    if (lane.underWay === 0) this.#lanes.delete(name);
  }

  #next(lane: Lane<Item, Answer>): Waiting<Item, Answer>[] {
    const subjects = new Set<string>();
    const taken: Waiting<Item, Answer>[] = [];
    const left: Waiting<Item, Answer>[] = [];
    for (const each of lane.waiting) {
      const subject = this.options.subjectOf(each.item);
      const fits = taken.length < this.options.mostItems && !subjects.has(subject);
      subjects.add(subject); // who comes later keeps behind
      (fits ? taken : left).push(each);
    }
    lane.waiting = left;
    return taken;
  }

  async #commit(taken: readonly Waiting<Item, Answer>[]): Promise<void> {
    const [only, ...others] = taken;
    try {
      const answers = await this.options.take(taken.map(({ item }) => item));
      for (const [index, { resolve, reject }] of taken.entries()) {
        const answer = answers[index];
        if (answer === undefined) reject(new Error('the group gave no answer for this item'));
        else resolve(answer);
      }
    } catch (error) {
      if (others.length === 0) only?.reject(error);
      else for (const each of taken) await this.#commit([each]);
    }
  }
}
