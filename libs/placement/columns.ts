import type { ByteReader, ByteWriter } from './bytes.js';

/** Bits that hold 0 to `most`. */
function widthOf(most: number): number {
  let width = 0;
  for (let left = most; left > 0; left = Math.floor(left / 2)) width += 1;
  return width;
}

const varintSize = (value: number): number => Math.max(1, Math.ceil(widthOf(value) / 7));

/** A column of whole numbers: offsets from the least, or places in a list of the distinct values, whichever is shorter. */
export function writeNumbers(out: ByteWriter, values: readonly number[]): void {
  const least = values.reduce((min, value) => Math.min(min, value), values[0] ?? 0);
  const most = values.reduce((max, value) => Math.max(max, value), least);
  const distinct = [...new Set(values)].sort((a, b) => a - b);
  const offsetWidth = widthOf(most - least);
  const placeWidth = widthOf(Math.max(0, distinct.length - 1));
  const listSize = distinct.reduce((sum, value) => sum + varintSize(value), 0);
  if ((values.length * offsetWidth) / 8 <= (values.length * placeWidth) / 8 + listSize) {
    out.byte(offsetWidth);
    out.varint(least);
    out.bits(
      values.map((value) => value - least),
      offsetWidth,
    );
    return;
  }
  const places = new Map(distinct.map((value, place) => [value, place]));
  out.byte(128 + placeWidth);
  out.varint(distinct.length);
  for (const value of distinct) out.varint(value);
  out.bits(
    values.map((value) => places.get(value) ?? 0),
    placeWidth,
  );
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

const amount = /^(0|[1-9][0-9]{0,14})([^0-9]*)$/;

/** A column of texts: amounts with one unit (`1500m`) as numbers, others as places in a list of the distinct ones. */
export function writeTexts(out: ByteWriter, values: readonly string[]): void {
  const parts = values.map((value) => amount.exec(value));
  const unit = parts[0]?.[2];
  if (unit !== undefined && parts.every((part) => part?.[2] === unit)) {
    out.byte(1);
    out.text(unit);
    writeNumbers(
      out,
      parts.map((part) => Number(part?.[1])),
    );
    return;
  }
  const distinct = [...new Set(values)];
  const places = new Map(distinct.map((value, place) => [value, place]));
  out.byte(0);
  out.varint(distinct.length);
  for (const value of distinct) out.text(value);
  writeNumbers(
    out,
    values.map((value) => places.get(value) ?? 0),
  );
}

export function readTexts(input: ByteReader, count: number): string[] {
  if (input.byte() === 1) {
    const unit = input.text();
    return readNumbers(input, count).map((value) => `${value}${unit}`);
  }
  const distinct = Array.from({ length: input.varint() }, () => input.text());
  return readNumbers(input, count).map((place) => distinct[place] ?? '');
}

/** Front coding: what each shares with the one before is counted, the rest spelled. Short for ids in order. */
export function writeIds(out: ByteWriter, ids: readonly string[]): void {
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
