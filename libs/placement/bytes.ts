/** Growing bytes with the few encodings that packed records need. Whole numbers from 0 to 2^53 − 1. */
export class ByteWriter {
  #bytes = new Uint8Array(1024);
  #length = 0;

  byte(value: number): void {
    if (this.#length === this.#bytes.length) {
      const grown = new Uint8Array(this.#bytes.length * 2);
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
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
    const bytes = new TextEncoder().encode(value);
    this.varint(bytes.length);
    for (const byte of bytes) this.byte(byte);
  }

  /** `width` bits each, lowest first. */
  bits(values: readonly number[], width: number): void {
    let pending = 0;
    let filled = 0;
    for (const value of values) {
      let left = value;
      for (let bit = 0; bit < width; bit++) {
        pending += (left % 2) * 2 ** filled;
        left = Math.floor(left / 2);
        if (++filled === 8) {
          this.byte(pending);
          pending = 0;
          filled = 0;
        }
      }
    }
    if (filled > 0) this.byte(pending);
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
