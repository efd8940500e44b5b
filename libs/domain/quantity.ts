import { InvalidQuantity } from './errors.js';

/**
 * Amounts of what a node gives. Integers: CPU in thousandths of a core, memory in bytes, pods by count.
 * Memory stays below 2^53 bytes (8 PiB), so a number is exact.
 */
export interface Resources {
  mcpu: number;
  memoryBytes: number;
  pods: number;
}

export const noResources: Resources = { mcpu: 0, memoryBytes: 0, pods: 0 };

export const addResources = (a: Resources, b: Resources): Resources => ({
  mcpu: a.mcpu + b.mcpu,
  memoryBytes: a.memoryBytes + b.memoryBytes,
  pods: a.pods + b.pods,
});

export const subtractResources = (a: Resources, b: Resources): Resources => ({
  mcpu: a.mcpu - b.mcpu,
  memoryBytes: a.memoryBytes - b.memoryBytes,
  pods: a.pods - b.pods,
});

export const timesResources = (a: Resources, n: number): Resources => ({
  mcpu: a.mcpu * n,
  memoryBytes: a.memoryBytes * n,
  pods: a.pods * n,
});

export const fitsInto = (demand: Resources, room: Resources): boolean =>
  demand.mcpu <= room.mcpu && demand.memoryBytes <= room.memoryBytes && demand.pods <= room.pods;

const suffixes: Readonly<Record<string, readonly [numerator: bigint, denominator: bigint]>> = {
  n: [1n, 1_000_000_000n],
  u: [1n, 1_000_000n],
  m: [1n, 1_000n],
  '': [1n, 1n],
  k: [1_000n, 1n],
  M: [1_000_000n, 1n],
  G: [1_000_000_000n, 1n],
  T: [1_000_000_000_000n, 1n],
  P: [1_000_000_000_000_000n, 1n],
  E: [1_000_000_000_000_000_000n, 1n],
  Ki: [1n << 10n, 1n],
  Mi: [1n << 20n, 1n],
  Gi: [1n << 30n, 1n],
  Ti: [1n << 40n, 1n],
  Pi: [1n << 50n, 1n],
  Ei: [1n << 60n, 1n],
};

const quantityForm = /^([0-9]+)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]{1,2})|(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei))?$/;

/** Kubernetes' quantity (apimachinery `resource.Quantity`), times `scale`, rounded up as Kubernetes rounds. */
function parseScaled(text: string, scale: bigint): number {
  const match = quantityForm.exec(text);
  if (match === null) throw new InvalidQuantity({ found: text });
  const [, whole = '0', fraction = '', exponentText = '0', suffix = ''] = match;
  const [numerator, denominator] = suffixes[suffix] ?? [1n, 1n];
  const exponent = BigInt(exponentText);
  let top = BigInt(whole + fraction) * numerator * scale;
  let bottom = denominator * 10n ** BigInt(fraction.length);
  if (exponent >= 0n) top *= 10n ** exponent;
  else bottom *= 10n ** -exponent;
  const rounded = (top + bottom - 1n) / bottom;
  if (rounded > BigInt(Number.MAX_SAFE_INTEGER)) throw new InvalidQuantity({ found: text });
  return Number(rounded);
}

/** "250m" → 250, "1.5" → 1500. */
export const parseMcpu = (text: string): number => parseScaled(text, 1000n);

/** "64Mi" → 67108864. */
export const parseBytes = (text: string): number => parseScaled(text, 1n);

export const formatMcpu = (mcpu: number): string => (mcpu % 1000 === 0 ? `${mcpu / 1000}` : `${mcpu}m`);

/** Millionths of a currency: 31000 → "0.031". */
export function formatMicros(micros: number): string {
  const fraction = `${micros % 1_000_000}`.padStart(6, '0').replace(/0+$/, '');
  return `${Math.floor(micros / 1_000_000)}${fraction === '' ? '' : `.${fraction}`}`;
}

const binaryUnits = ['Ti', 'Gi', 'Mi', 'Ki'] as const;
const binarySizes = { Ti: 2 ** 40, Gi: 2 ** 30, Mi: 2 ** 20, Ki: 2 ** 10 } as const;

/** The shortest exact form: 67108864 → "64Mi", 1000 → "1000". */
export function formatBytes(bytes: number): string {
  if (bytes === 0) return '0';
  const unit = binaryUnits.find((candidate) => bytes % binarySizes[candidate] === 0);
  return unit === undefined ? `${bytes}` : `${bytes / binarySizes[unit]}${unit}`;
}
