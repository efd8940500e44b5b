/** The seed of this run: `BERTH_SEED`, or one by chance; whoever uses it prints it. */
export const seedOfRun = (): number => Number(process.env.BERTH_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** Chance that repeats itself for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
