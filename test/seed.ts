export { seededChance as seeded } from '#domain';

/** The seed of this run: `BERTH_SEED`, or one by chance; whoever uses it prints it. */
export const seedOfRun = (): number => Number(process.env.BERTH_SEED ?? Math.floor(Math.random() * 2 ** 31));
