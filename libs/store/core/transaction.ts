import { createHash } from 'node:crypto';
import type { ClientBase, QueryResultRow } from 'pg';
import type { JsonValue } from '#domain';
import { encoded } from './array-literal.js';

/** A change to announce. Ids and a version, never a body: readers fetch it under their own rights. */
export interface Announcement {
  tenant: string | undefined;
  kind: FeedKind;
  resource: string;
  version?: bigint;
}

/**
 * What the feed speaks of, and how its resource is written: `application` project/application, `release`
 * project/environment/number, `cluster` id (its facts, phase, capacity or agent), `work` cluster id (version: sequence),
 * `status` cluster id, `operation` id, `key` id.
 */
export type FeedKind = 'application' | 'release' | 'cluster' | 'work' | 'status' | 'operation' | 'key';

export interface AuditEntry {
  tenant: string | undefined;
  actor: string;
  /** The permission's word and the deed, as `applications.apply`. */
  action: string;
  target: string;
  requestId?: string;
  before?: JsonValue;
  after?: JsonValue;
}

/** Statements are few, and texts in the code: each gets a name, so that a connection parses and plans it once. */
const names = new Map<string, string>();

function nameOf(sql: string): string {
  const known = names.get(sql) ?? createHash('sha256').update(sql).digest('base64url').slice(0, 32);
  names.set(sql, known);
  return known;
}

/** One transaction, alive until the function that was given it returns. */
export class Transaction {
  readonly #announced: Announcement[] = [];
  #isAnnounced = false;
  readonly #last: Promise<unknown>[] = [];
  #isEnding = false;

  constructor(private readonly client: ClientBase) {}

  /** Rows of a statement; for UPDATE, INSERT and DELETE those of its RETURNING. */
  async query<Row extends object = Record<string, unknown>>(
    sql: string,
    parameters: readonly unknown[] = [],
  ): Promise<Row[]> {
    this.#checkOpen();
    const { rows } = await this.client.query<Row & QueryResultRow>({
      name: nameOf(sql),
      text: sql,
      values: encoded(parameters),
    });
    return rows;
  }

  /**
   * Waits for parts that need not wait for each other; their statements travel together, in the order of the parts. When
   * one fails the others are waited for, too: none may go on after the transaction has ended.
   */
  async together(parts: readonly Promise<unknown>[]): Promise<void> {
    const failed = (await Promise.allSettled(parts)).find((part) => part.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  /**
   * Statements whose answers nobody waits for: the commit travels with them, so all must have been sent by now. When one
   * fails the server takes everything back, and the unit of work throws what it failed with.
   */
  last(statements: Promise<unknown>): void {
    statements.catch(() => undefined); // looked at with the commit
    this.#last.push(statements);
  }

  /** What was sent last, to be waited for with the commit, which comes next: no statement may follow it. */
  end(): readonly Promise<unknown>[] {
    this.#isEnding = true;
    return this.#last;
  }

  #checkOpen(): void {
    if (this.#isEnding) throw new Error('a statement after the end of its transaction');
  }

  /** How many rows a statement changed. */
  async execute(sql: string, parameters: readonly unknown[] = []): Promise<number> {
    this.#checkOpen();
    const { rowCount } = await this.client.query({ name: nameOf(sql), text: sql, values: encoded(parameters) });
    return rowCount ?? 0;
  }

  /** True once something was announced: the sequencer is poked after commit. */
  get isAnnounced(): boolean {
    return this.#isAnnounced;
  }

  /** What was announced, but for what statements announced by themselves. */
  get announced(): readonly Announcement[] {
    return this.#announced;
  }

  readonly outbox = {
    append: async (...announcements: readonly Announcement[]): Promise<void> => {
      if (announcements.length === 0) return;
      this.#isAnnounced = true;
      this.#announced.push(...announcements);
      await this.query(
        `INSERT INTO outbox (tenant_id, kind, resource, version)
         SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[])`,
        [
          announcements.map((each) => each.tenant ?? null),
          announcements.map((each) => each.kind),
          announcements.map((each) => each.resource),
          announcements.map((each) => (each.version ?? 0n).toString()),
        ],
      );
    },
    /** For statements that insert announcements themselves (`INSERT INTO outbox … SELECT`). */
    announcedBySql: (): void => {
      this.#isAnnounced = true;
    },
  };

  readonly audit = {
    append: async (...entries: readonly AuditEntry[]): Promise<void> => {
      if (entries.length === 0) return;
      const json = (value: JsonValue | undefined) => (value === undefined ? null : JSON.stringify(value));
      await this.query(
        `INSERT INTO audit (tenant_id, actor, action, target, request_id, before, after)
         SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::jsonb[], $7::jsonb[])`,
        [
          entries.map((each) => each.tenant ?? null),
          entries.map((each) => each.actor),
          entries.map((each) => each.action),
          entries.map((each) => each.target),
          entries.map((each) => each.requestId ?? ''),
          entries.map((each) => json(each.before)),
          entries.map((each) => json(each.after)),
        ],
      );
    },
  };
}
