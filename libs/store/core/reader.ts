import type { Literal } from './unit-of-work.js';

/**
 * One statement's rows, under somebody's rights: `UnitOfWork.read` for a single round trip, or `Transaction.query`
 * where the read belongs to a change.
 */
export type Reader = <Row extends object>(sql: string, parameters: readonly Literal[]) => Promise<Row[]>;
