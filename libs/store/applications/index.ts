export * from './lock.js';
export * from './plans.js';
export * from './read-applications.js';
export * from './read-history.js';
export * from './rows.js';
export * from './write.js';
