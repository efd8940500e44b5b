/** One pod on a member: what it asks for says nothing of what it uses. */
export interface Pod {
  id: number;
  bestEffort: boolean;
  /** Of a core and of 4 GiB at once, in thousandths, by the minute. */
  use(minute: number): number;
  endsAt: number;
}

const day = 1440;
/** Samples, one a minute, behind the measure. */
const window = 15;

/**
 * A member cluster by the minute: its pods use what they use, by the time of day and by chance. Shares nothing with the
 * engine.
 */
export class Member {
  readonly pods = new Map<number, Pod>();
  /** Thousandths of a core, the newest last. */
  readonly #samples: number[] = [];
  #weather = 1;
  #spikeUntil = -1;

  constructor(
    readonly capacity: number,
    private readonly random: () => number,
    private readonly phase: number,
  ) {}

  /** Lives a minute; answers what is used then. */
  live(minute: number): number {
    for (const [id, pod] of this.pods) if (pod.endsAt <= minute) this.pods.delete(id);
    this.#weather = 0.9 * this.#weather + 0.1 * (0.5 + this.random());
    if (minute > this.#spikeUntil && this.random() < 1 / 720) this.#spikeUntil = minute + 30;
    const spike = minute <= this.#spikeUntil ? 2 : 1;
    const sun = 1 + 0.5 * Math.sin(2 * Math.PI * (minute / day + this.phase));
    let used = 0;
    for (const pod of this.pods.values())
      used += pod.bestEffort ? pod.use(minute) : pod.use(minute) * sun * this.#weather * spike;
    this.#samples.push(used);
    if (this.#samples.length > window) this.#samples.shift();
    return used;
  }

  /** p95 of the last 15 minutes, by nearest rank. */
  measured(): number {
    const sorted = [...this.#samples].sort((a, b) => a - b);
    return Math.ceil(sorted[Math.ceil(sorted.length * 0.95) - 1] ?? 0);
  }
}
