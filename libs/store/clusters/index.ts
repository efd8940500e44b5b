export * from './orphans.js';
export * from './read.js';
export type { StoredCluster, StoredClusterSettings, StoredCondition } from './rows.js';
export * from './write.js';
