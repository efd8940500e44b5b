const factors: Record<string, number> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};
const pattern = /^([+-]?(?:\d+\.?\d*|\.\d+))(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?\d+))?$/;

/** A quantity's value in its base unit (cores, bytes, pieces), or undefined when it is none. */
export function quantityValue(text: unknown): number | undefined {
  const match = pattern.exec(String(text));
  if (match === null) return undefined;
  const factor = match[3] === undefined ? factors[match[2] ?? ''] : 10 ** Number(match[3]);
  return factor === undefined ? undefined : Number(match[1]) * factor;
}

export const mcpuOf = (text: unknown): number => Math.ceil((quantityValue(text) ?? 0) * 1000 - 1e-6);
export const bytesOf = (text: unknown): number => Math.ceil(quantityValue(text) ?? 0);

const decimalSuffixes: readonly [suffix: string, nano: bigint][] = [
  ['E', 10n ** 27n],
  ['P', 10n ** 24n],
  ['T', 10n ** 21n],
  ['G', 10n ** 18n],
  ['M', 10n ** 15n],
  ['k', 10n ** 12n],
  ['', 10n ** 9n],
  ['m', 10n ** 6n],
  ['u', 10n ** 3n],
  ['n', 1n],
];
const binarySuffixes: readonly [suffix: string, nano: bigint][] = ['Ei', 'Pi', 'Ti', 'Gi', 'Mi', 'Ki', ''].map(
  (suffix, index) => [suffix, 10n ** 9n * 1024n ** BigInt(6 - index)],
);

/** The form in which the API server keeps a quantity: `0.5` is `500m`, `1024Mi` is `1Gi`. Text that is none stays. */
export function canonicalQuantity(text: string): string {
  const match = pattern.exec(text);
  if (match === null || match[3] !== undefined) return text;
  const [, mantissa = '', suffix = ''] = match;
  const [whole = '', fraction = ''] = mantissa.replace('+', '').split('.');
  const family = suffix.endsWith('i') ? binarySuffixes : decimalSuffixes;
  const unit = family.find(([name]) => name === suffix)?.[1] ?? 1n;
  const scaled = BigInt(`${whole}${fraction}` || '0') * unit;
  const divisor = 10n ** BigInt(fraction.length);
  if (scaled === 0n) return '0';
  if (scaled % divisor !== 0n) return text;
  const nano = scaled / divisor;
  const [best, size] = family.find(([, step]) => nano % step === 0n) ??
    decimalSuffixes.find(([, step]) => nano % step === 0n) ?? ['n', 1n];
  return `${nano / size}${best}`;
}
