export * from './core/failures.js';
export { Feed, type FeedRow, type SubscribeOptions } from './core/feed.js';
export * from './core/migrate.js';
export * from './core/principal.js';
export { connectStore, type Store, type StoreLog, type StoreOptions } from './core/store.js';
export type { Announcement, AuditEntry, FeedKind, Transaction } from './core/transaction.js';
export type { Literal, UnitOfWork } from './core/unit-of-work.js';
