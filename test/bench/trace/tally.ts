import type { TracePod } from './input.js';

/** What can become of an arrival. */
export interface OutcomeCounts {
  started: number;
  /** The chosen cluster could not start it, another could. */
  misplaced: number;
  /** The chosen cluster could not start it, and no other could. */
  hopeless: number;
  /** Held back though some cluster could start it. */
  wronglyRefused: number;
  /** Held back, and no cluster could start it. */
  rightlyRefused: number;
}

export type Outcome = keyof OutcomeCounts;

export interface RunFigures extends OutcomeCounts {
  arrivals: number;
  /** Of devices and CPU, by what was started. */
  deviceMilli: number;
  mcpu: number;
  /** The same after each hundredth of the arrivals, the first before any. */
  curve: readonly { deviceMilli: number; mcpu: number }[];
  /** How many of each shape went wrong, as `misplaced 4000m 16384Mi 1 × 810`, the most frequent first. */
  wrong: Readonly<Record<string, number>>;
}

export const curvePoints = 100;
const mostShapes = 20;

/** Counts what becomes of the arrivals of one run. */
export class Tally {
  readonly #arrivals: number;
  readonly #counts: OutcomeCounts = { started: 0, misplaced: 0, hopeless: 0, wronglyRefused: 0, rightlyRefused: 0 };
  readonly #wrong = new Map<string, number>();
  readonly #curve = [{ deviceMilli: 0, mcpu: 0 }];
  #deviceMilli = 0;
  #mcpu = 0;
  #seen = 0;

  constructor(arrivals: number) {
    this.#arrivals = arrivals;
  }

  note(pod: TracePod, outcome: Outcome): void {
    this.#counts[outcome] += 1;
    this.#seen += 1;
    if (outcome === 'started') {
      this.#deviceMilli += pod.devices * pod.deviceMilli;
      this.#mcpu += pod.mcpu;
    } else if (outcome === 'misplaced' || outcome === 'wronglyRefused') {
      const shape = `${outcome} ${shapeOf(pod)}`;
      this.#wrong.set(shape, (this.#wrong.get(shape) ?? 0) + 1);
    }
    while (this.#curve.length <= Math.floor((this.#seen * curvePoints) / this.#arrivals))
      this.#curve.push({ deviceMilli: this.#deviceMilli, mcpu: this.#mcpu });
  }

  figures(): RunFigures {
    const wrong = [...this.#wrong].sort(([, a], [, b]) => b - a).slice(0, mostShapes);
    return {
      arrivals: this.#arrivals,
      ...this.#counts,
      deviceMilli: this.#deviceMilli,
      mcpu: this.#mcpu,
      curve: this.#curve,
      wrong: Object.fromEntries(wrong),
    };
  }
}

function shapeOf({ mcpu, memoryMib, devices, deviceMilli, models }: TracePod): string {
  const asked = devices === 0 ? [] : [`${devices} × ${deviceMilli}`, models.join('|')];
  return [`${mcpu}m ${memoryMib}Mi`, ...asked].join(' ').trimEnd();
}
