import type { Timestamp } from '@bufbuild/protobuf/wkt';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { Look } from './look.js';

const units = [
  ['d', 86_400],
  ['h', 3_600],
  ['m', 60],
  ['s', 1],
] as const;

/** A span in its two largest units, one when it is long: `42s`, `3m12s`, `5h`, `12d`. */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const first = units.findIndex(([, size]) => seconds >= size);
  const [unit, size] = units[first] ?? ['s', 1];
  const count = Math.floor(seconds / size);
  const [nextUnit, nextSize] = units[first + 1] ?? ['s', 1];
  const rest = Math.floor((seconds % size) / nextSize);
  return count >= 10 || rest === 0 || first < 0 ? `${count}${unit}` : `${count}${unit}${rest}${nextUnit}`;
}

/** How long ago; `-` for never. */
export const age = (time: Timestamp | undefined, now: number): string =>
  time === undefined ? '-' : span(now - timestampMs(time));

/** How long from now; `-` for never, `expired` for what has passed. */
export function until(time: Timestamp | undefined, now: number): string {
  if (time === undefined) return '-';
  const left = timestampMs(time) - now;
  return left <= 0 ? 'expired' : `in ${span(left)}`;
}

/** A duration as people write it, `90s`, `5m`, `1h30m`, in milliseconds; undefined for other text. */
export function readSpan(text: string): number | undefined {
  const match = /^(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?$/.exec(text);
  if (match === null || text === '') return undefined;
  return units.reduce((sum, [, size], index) => sum + Number(match[index + 1] ?? 0) * size * 1000, 0);
}

const barCells = 6;

/** Thousandths as a percentage, with a little bar at a terminal; red from 90 %, yellow from 70 %. */
export function share(permille: number | undefined, look: Look): string {
  if (permille === undefined) return '-';
  const text = `${Math.round(permille / 10)}%`;
  if (!look.bars) return text;
  const full = Math.min(barCells, Math.max(0, Math.round((permille / 1000) * barCells)));
  const bar = '█'.repeat(full) + '░'.repeat(barCells - full);
  const { palette } = look;
  const colour = permille >= 900 ? palette.red : permille >= 700 ? palette.yellow : palette.green;
  return `${colour(bar)} ${text.padStart(4)}`;
}

const trimmed = (value: number): string => String(Math.round(value * 10) / 10);

/** CPU in cores: `0.3`, `16`. */
export const cores = (mcpu: bigint): string => trimmed(Number(mcpu) / 1000);

/** Bytes as Kubernetes writes them, rounded: `512Mi`, `64Gi`. */
export function memory(bytes: bigint): string {
  const mebibytes = Number(bytes) / 2 ** 20;
  return mebibytes < 1024 ? `${trimmed(mebibytes)}Mi` : `${trimmed(mebibytes / 1024)}Gi`;
}

/** The last part of a resource name: `eu-1` of `clusters/eu-1`. */
export const idOf = (name: string): string => name.slice(name.lastIndexOf('/') + 1);

/** Millionths: `31000` → `0.031`. */
export const amountText = (micros: bigint): string => {
  const fraction = `${micros % 1_000_000n}`.padStart(6, '0').replace(/0+$/, '');
  return fraction === '' ? `${micros / 1_000_000n}` : `${micros / 1_000_000n}.${fraction}`;
};
