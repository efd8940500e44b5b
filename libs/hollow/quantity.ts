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
