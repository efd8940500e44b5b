const encoder = new TextEncoder();

/** Growing bytes with the few encodings that packed records need. Whole numbers from 0 to 2^53 − 1. */
export class ByteWriter {
  #bytes = new Uint8Array(1024);
  #length = 0;

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  /** LEB128. */
  varint(value: number): void {
    let left = value;
    while (left >= 128) {
      this.byte((left % 128) + 128);
      left = Math.floor(left / 128);
    }
    this.byte(left);
  }

  text(value: string): void {
    const bytes = encoder.encode(value);
    this.varint(bytes.length);
    this.raw(bytes);
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** `width` bits each, lowest first. */
  bits(values: ArrayLike<number>, width: number): void {
    this.#reserve(Math.ceil((values.length * width) / 8));
    let pending = 0;
    let filled = 0;
    for (let at = 0; at < values.length; at++) {
      let left = values[at] ?? 0;
      let bits = width;
      while (bits > 0) {
        const taken = Math.min(bits, 8 - filled);
        const scale = 2 ** taken;
        const rest = Math.floor(left / scale);
        pending += (left - rest * scale) * 2 ** filled;
        left = rest;
        bits -= taken;
        filled += taken;
        if (filled < 8) continue;
        this.#bytes[this.#length++] = pending;
        pending = 0;
        filled = 0;
      }
    }
    if (filled > 0) this.byte(pending);
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + more));
    grown.set(this.#bytes);
    this.#bytes = grown;
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }
}

export class ByteReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  byte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw new RangeError(`decision record ends early, at byte ${this.#bytes.length}`);
    return byte;
  }

  varint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte();
      value += (byte % 128) * scale;
      if (byte < 128) return value;
    }
  }

  text(): string {
    const length = this.varint();
    const bytes = this.#bytes.subarray(this.#at, this.#at + length);
    if (bytes.length < length) throw new RangeError(`decision record ends early, at byte ${this.#bytes.length}`);
    this.#at += length;
    return new TextDecoder().decode(bytes);
  }

  bits(count: number, width: number): number[] {
    const values: number[] = [];
    let pending = 0;
    let filled = 8;
    for (let index = 0; index < count; index++) {
      let value = 0;
      for (let bit = 0; bit < width; bit++) {
        if (filled === 8) {
          pending = this.byte();
          filled = 0;
        }
        value += (pending % 2) * 2 ** bit;
        pending = Math.floor(pending / 2);
        filled += 1;
      }
      values.push(value);
    }
    return values;
  }
}
