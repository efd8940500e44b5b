import { type Chance as Draw, seededChance } from '#domain';

/** Seeded randomness: the same seed gives the same delays, names and uids. */
export class Chance {
  /** In [0, 1). */
  readonly next: Draw;

  constructor(seed: number | string) {
    let hash = 2166136261;
    for (const char of String(seed)) hash = Math.imul(hash ^ char.charCodeAt(0), 16777619);
    this.next = seededChance(hash);
  }

  between([low, high]: readonly [number, number]): number {
    return low + this.next() * (high - low);
  }

  private hex(digits: number): string {
    let text = '';
    while (text.length < digits) text += Math.floor(this.next() * 16).toString(16);
    return text;
  }

  uuid(): string {
    const variant = '89ab'[Math.floor(this.next() * 4)];
    return `${this.hex(8)}-${this.hex(4)}-4${this.hex(3)}-${variant}${this.hex(3)}-${this.hex(12)}`;
  }

  /** The suffix alphabet of generated names. */
  suffix(length = 5): string {
    const alphabet = 'bcdfghjklmnpqrstvwxz2456789';
    let text = '';
    while (text.length < length) text += alphabet[Math.floor(this.next() * alphabet.length)];
    return text;
  }
}
