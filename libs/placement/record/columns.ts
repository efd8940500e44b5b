import { type ByteReader, ByteWriter } from './bytes.js';

/** Bits that hold 0 to `most`. */
function widthOf(most: number): number {
  let width = 0;
  for (let left = most; left > 0; left = Math.floor(left / 2)) width += 1;
  return width;
}

const varintSize = (value: number): number => Math.max(1, Math.ceil(widthOf(value) / 7));

/** The distinct values in order; those of a narrow range without a set. */
function distinctOf(values: ArrayLike<number>, least: number, most: number): number[] {
  if (most - least > 4096) return [...new Set(Array.from(values))].sort((a, b) => a - b);
  const seen = new Uint8Array(most - least + 1);
  for (let at = 0; at < values.length; at++) seen[(values[at] ?? 0) - least] = 1;
  const distinct: number[] = [];
  for (let offset = 0; offset < seen.length; offset++) if (seen[offset] === 1) distinct.push(least + offset);
  return distinct;
}

/** A column of whole numbers: offsets from the least, or places in a list of the distinct values, whichever is shorter. */
export function writeNumbers(out: ByteWriter, values: ArrayLike<number>): void {
  let least = values[0] ?? 0;
  let most = least;
  for (let at = 1; at < values.length; at++) {
    const value = values[at] ?? 0;
    if (value < least) least = value;
    if (value > most) most = value;
  }
  const offsetWidth = widthOf(most - least);
  const distinct = offsetWidth === 0 ? [] : distinctOf(values, least, most);
  const placeWidth = widthOf(Math.max(0, distinct.length - 1));
  const listSize = distinct.reduce((sum, value) => sum + varintSize(value), 0);
  const column = new Float64Array(values.length);
  if (offsetWidth === 0 || (values.length * offsetWidth) / 8 <= (values.length * placeWidth) / 8 + listSize) {
    out.byte(offsetWidth);
    out.varint(least);
    for (let at = 0; at < column.length; at++) column[at] = (values[at] ?? 0) - least;
    out.bits(column, offsetWidth);
    return;
  }
  const places = new Map(distinct.map((value, place) => [value, place]));
  out.byte(128 + placeWidth);
  out.varint(distinct.length);
  for (const value of distinct) out.varint(value);
  for (let at = 0; at < column.length; at++) column[at] = places.get(values[at] ?? 0) ?? 0;
  out.bits(column, placeWidth);
}

export function readNumbers(input: ByteReader, count: number): number[] {
  const head = input.byte();
  if (head < 128) {
    const least = input.varint();
    return input.bits(count, head).map((offset) => least + offset);
  }
  const distinct = Array.from({ length: input.varint() }, () => input.varint());
  return input.bits(count, head - 128).map((place) => distinct[place] ?? 0);
}

/** The scores at these places, 0 to 1000: one number for all, or a byte each, or two. Quick rather than small. */
export function writeScores(out: ByteWriter, scores: Int16Array, places: Int32Array): void {
  let least = 1000;
  let most = 0;
  for (let at = 0; at < places.length; at++) {
    const score = scores[places[at] ?? 0] ?? 0;
    if (score < least) least = score;
    if (score > most) most = score;
  }
  const width = least === most ? 0 : most - least < 256 ? 1 : 2;
  out.byte(width);
  if (width < 2) out.varint(least);
  if (width === 1) out.octets(scores, places, least);
  if (width === 2) out.words(scores, places);
}

export function readScores(input: ByteReader, count: number): number[] {
  const width = input.byte();
  const least = width < 2 ? input.varint() : 0;
  return Array.from({ length: count }, () => {
    if (width === 0) return least;
    return width === 1 ? least + input.byte() : input.byte() + 256 * input.byte();
  });
}

const amount = /^(0|[1-9][0-9]{0,14})([^0-9]*)$/;

/** A column of texts: amounts (`1500m`, `64Mi`) as numbers by unit, others as places in a list of the distinct ones. */
export function writeTexts(out: ByteWriter, values: readonly string[]): void {
  const plain = new Map<string, number>();
  const amounts = new Map<string, number[]>();
  const units = new Map<string, number>();
  const plainPlaces: number[] = [];
  const kinds = values.map((value) => {
    const [, digits, unit] = amount.exec(value) ?? [];
    if (digits === undefined || unit === undefined) {
      if (!plain.has(value)) plain.set(value, plain.size);
      plainPlaces.push(plain.get(value) ?? 0);
      return 0;
    }
    if (!units.has(unit)) units.set(unit, units.size + 1);
    const column = amounts.get(unit) ?? [];
    column.push(Number(digits));
    amounts.set(unit, column);
    return units.get(unit) ?? 0;
  });
  out.varint(units.size);
  for (const unit of units.keys()) out.text(unit);
  writeNumbers(out, kinds);
  for (const unit of units.keys()) writeNumbers(out, amounts.get(unit) ?? []);
  out.varint(plain.size);
  for (const text of plain.keys()) out.text(text);
  writeNumbers(out, plainPlaces);
}

export function readTexts(input: ByteReader, count: number): string[] {
  const units = Array.from({ length: input.varint() }, () => input.text());
  const kinds = readNumbers(input, count);
  const countOf = (kind: number): number => kinds.reduce((sum, each) => sum + (each === kind ? 1 : 0), 0);
  const amounts = units.map((_, at) => readNumbers(input, countOf(at + 1)).values());
  const plain = Array.from({ length: input.varint() }, () => input.text());
  const places = readNumbers(input, countOf(0)).values();
  return kinds.map((kind) => {
    if (kind === 0) return plain[places.next().value ?? 0] ?? '';
    return `${amounts[kind - 1]?.next().value ?? 0}${units[kind - 1] ?? ''}`;
  });
}

/** Front coding: what each shares with the one before is counted, the rest spelled. Short for ids in order. */
export function writeIds(out: ByteWriter, ids: readonly string[]): void {
  let bytes = writtenIds.get(ids);
  if (bytes === undefined) {
    const own = new ByteWriter();
    spellIds(own, ids);
    bytes = own.finish();
    writtenIds.set(ids, bytes);
  }
  out.raw(bytes);
}

/** A fleet's ids are one and the same list until a cluster comes or goes. */
const writtenIds = new WeakMap<readonly string[], Uint8Array>();

function spellIds(out: ByteWriter, ids: readonly string[]): void {
  let before = '';
  const shared: number[] = [];
  const rests: string[] = [];
  for (const id of ids) {
    let same = 0;
    while (same < id.length && id[same] === before[same]) same += 1;
    shared.push(same);
    rests.push(id.slice(same));
    before = id;
  }
  out.varint(ids.length);
  writeNumbers(out, shared);
  writeNumbers(
    out,
    rests.map((rest) => rest.length),
  );
  out.text(rests.join(''));
}

export function readIds(input: ByteReader): string[] {
  const count = input.varint();
  const shared = readNumbers(input, count);
  const lengths = readNumbers(input, count);
  const rests = input.text();
  const ids: string[] = [];
  let at = 0;
  let before = '';
  for (let index = 0; index < count; index++) {
    const end = at + (lengths[index] ?? 0);
    before = before.slice(0, shared[index]) + rests.slice(at, end);
    ids.push(before);
    at = end;
  }
  return ids;
}
