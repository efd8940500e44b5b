import pg from 'pg';
import type { DataSource } from 'typeorm';
import { isRetriable, sqlStateOf, translateFailure } from './failures.js';
import { type StorePrincipal, settingsOf } from './principal.js';
import { type Announcement, Transaction } from './transaction.js';

const attempts = 5;

/** What the row-level policies judge by, until the transaction ends. */
const setSession = `SELECT set_config('berth.tenant', $1, true), set_config('berth.role', $2, true)`;

/** What `read` accepts as a parameter: plain values that have one literal form. */
export type Literal = string | number | bigint | boolean | null;

/** The only way to a connection: every statement runs in a transaction, on behalf of somebody. */
export class UnitOfWork {
  constructor(
    private readonly dataSource: DataSource,
    private readonly pool: pg.Pool,
    private readonly poke: (announced: readonly Announcement[]) => void,
  ) {}

  /**
   * Runs `work` in one transaction on behalf of `principal`; commits when it returns, rolls back when it throws.
   * A serialization failure or deadlock runs it again, so it must not change anything but the transaction.
   */
  async run<T>(principal: StorePrincipal, work: (tx: Transaction) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.once(principal, work);
      } catch (error) {
        if (attempt >= attempts || !isRetriable(error)) throw translateFailure(error);
      }
    }
  }

  private async once<T>(principal: StorePrincipal, work: (tx: Transaction) => Promise<T>): Promise<T> {
    const runner = this.dataSource.createQueryRunner();
    try {
      const client: pg.ClientBase = await runner.connect();
      const transaction = new Transaction(client);
      try {
        const { tenant, role } = settingsOf(principal);
        // The opening travels with the first statement of the work: they are answered in their order.
        const opening = [client.query('START TRANSACTION'), transaction.query(setSession, [tenant, role])];
        const worked = work(transaction);
        await transaction.together([...opening, worked]);
        // A transaction in which something failed is rolled back by its COMMIT.
        await transaction.together([...transaction.end(), client.query('COMMIT')]);
        if (transaction.isAnnounced) this.poke(transaction.announced);
        return await worked;
      } catch (error) {
        await client.query('ROLLBACK').catch(() => undefined); // the connection is gone, and the transaction with it
        throw error;
      }
    } finally {
      await runner.release();
    }
  }

  /**
   * One read in one round trip: settings and statement travel together and share an implicit transaction
   * (PostgreSQL protocol, "Multiple Statements in a Simple Query"). The statement is prepared once per connection, since
   * planning a read of many tables under row-level security takes several times as long as running it; its parameters
   * are written as escaped literals.
   */
  async read<Row extends pg.QueryResultRow>(
    principal: StorePrincipal,
    sql: string,
    parameters: readonly Literal[] = [],
  ): Promise<Row[]> {
    const { tenant, role } = settingsOf(principal);
    const bound = parameters.length === 0 ? '' : `(${parameters.map(literal).join(', ')})`;
    let spoilt = false;
    const client = await this.pool.connect().catch((error: unknown) => {
      throw translateFailure(error);
    });
    try {
      const name = await prepared(client, sql);
      const settings = `${await prepared(client, setSession)}(${literal(tenant)}, ${literal(role)})`;
      const results: unknown = await client.query(`EXECUTE ${settings}; EXECUTE ${name}${bound}`);
      const last: unknown = Array.isArray(results) ? results.at(-1) : results;
      return rowsOf<Row>(last);
    } catch (error) {
      // A lost connection, or statements that a migration has overtaken: the next one prepares anew.
      spoilt = overtaken.has(sqlStateOf(error) ?? 'connection');
      throw translateFailure(error);
    } finally {
      client.release(spoilt);
    }
  }
}

/** invalid_sql_statement_name, feature_not_supported ("cached plan must not change result type"), or no answer at all. */
const overtaken: ReadonlySet<string> = new Set(['26000', '0A000', 'connection']);

/** The statements that each connection has prepared, by their text. There are as many as there are reads in the code. */
const statements = new WeakMap<pg.PoolClient, Map<string, string>>();

async function prepared(client: pg.PoolClient, sql: string): Promise<string> {
  const known = statements.get(client) ?? new Map<string, string>();
  statements.set(client, known);
  const name = known.get(sql) ?? `read_${known.size + 1}`;
  if (!known.has(sql)) {
    await client.query(`PREPARE ${name} AS ${sql}`);
    known.set(sql, name);
  }
  return name;
}

function literal(value: Literal): string {
  if (value === null) return 'NULL';
  if (typeof value === 'string') return pg.escapeLiteral(value);
  return `${value}`;
}

function rowsOf<Row extends pg.QueryResultRow>(result: unknown): Row[] {
  const isResult = (candidate: unknown): candidate is pg.QueryResult<Row> =>
    typeof candidate === 'object' && candidate !== null && 'rows' in candidate;
  if (!isResult(result)) throw new Error('a read must end with a statement that returns rows');
  return result.rows;
}
