const encoder = new TextEncoder();

/** Left by the writer before: to grow anew costs more than most records. */
let spare = new Uint8Array(8192);

/** Records are cut from slabs: a buffer of its own costs each of them more than its bytes. */
let slab = new Uint8Array(0);
let cut = 0;

function cutOff(length: number): Uint8Array<ArrayBuffer> {
  if (slab.length - cut < length) {
    slab = new Uint8Array(Math.max(65_536, length));
    cut = 0;
  }
  cut += length;
  return slab.subarray(cut - length, cut);
}

/** Bytes of a text in UTF-8, undefined when some of it is not of the basic plane: an encoder costs more than most texts. */
function utf8Length(value: string): number | undefined {
  let length = 0;
  for (let at = 0; at < value.length; at++) {
    const code = value.charCodeAt(at);
    if (code >= 0xd800 && code <= 0xdfff) return undefined;
    length += code < 0x80 ? 1 : code < 0x800 ? 2 : 3;
  }
  return length;
}

/** Growing bytes with the few encodings that packed records need. Whole numbers from 0 to 2^53 − 1. */
export class ByteWriter {
  #bytes = spare;
  #length = 0;

  constructor() {
    spare = new Uint8Array(0);
  }

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
    const length = utf8Length(value);
    if (length === undefined) {
      const bytes = encoder.encode(value);
      this.varint(bytes.length);
      this.raw(bytes);
      return;
    }
    this.varint(length);
    this.#reserve(length);
    const bytes = this.#bytes;
    let next = this.#length;
    for (let at = 0; at < value.length; at++) {
      const code = value.charCodeAt(at);
      if (code < 0x80) bytes[next++] = code;
      else if (code < 0x800) {
        bytes[next++] = 0xc0 | (code >> 6);
        bytes[next++] = 0x80 | (code & 0x3f);
      } else {
        bytes[next++] = 0xe0 | (code >> 12);
        bytes[next++] = 0x80 | ((code >> 6) & 0x3f);
        bytes[next++] = 0x80 | (code & 0x3f);
      }
    }
    this.#length = next;
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

  /** The values at these places, two bytes each, the lower first. */
  words(values: Int16Array, places: Int32Array): void {
    this.#reserve(places.length * 2);
    const bytes = this.#bytes;
    let next = this.#length;
    for (let at = 0; at < places.length; at++) {
      const value = values[places[at] ?? 0] ?? 0;
      bytes[next++] = value & 255;
      bytes[next++] = value >> 8;
    }
    this.#length = next;
  }

  /** The values at these places, a byte each, less `least`. */
  octets(values: Int16Array, places: Int32Array, least: number): void {
    this.#reserve(places.length);
    const bytes = this.#bytes;
    const from = this.#length;
    for (let at = 0; at < places.length; at++) bytes[from + at] = (values[places[at] ?? 0] ?? 0) - least;
    this.#length = from + places.length;
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(8192, this.#bytes.length * 2, this.#length + more));
    grown.set(this.#bytes);
    this.#bytes = grown;
  }

  /** The writer is done with then. */
  finish(): Uint8Array {
    const written = cutOff(this.#length);
    written.set(this.#bytes.subarray(0, this.#length));
    if (this.#bytes.length > spare.length) spare = this.#bytes;
    this.#bytes = new Uint8Array(0);
    return written;
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
