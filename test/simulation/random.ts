import { type Chance, type Millis, seededChance } from '#domain';

/** Chance that a run can repeat: everything that a simulation decides is drawn from one of these. */
export class SeededRandom {
  readonly next: Chance;

  constructor(seed: number) {
    this.next = seededChance(seed);
  }

  /** Whole, both ends included. */
  between(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  happens(probability: number): boolean {
    return this.next() < probability;
  }

  /** Mostly near the least, sometimes far off, as waits are. */
  delay(least: Millis, most: Millis): Millis {
    return Math.round(least + (most - least) * this.next() ** 4);
  }

  pick<T>(from: readonly T[]): T | undefined {
    return from[Math.floor(this.next() * from.length)];
  }

  uuid(): string {
    const hex = Array.from({ length: 4 }, () => this.between(0, 0xffffffff).toString(16).padStart(8, '0')).join('');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`;
  }
}
