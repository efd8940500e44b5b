import type { EntityManager, QueryRunner } from 'typeorm';
import type { JsonValue } from '#domain';

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

/** One transaction, alive until the function that was given it returns. */
export class Transaction {
  #announced = false;

  constructor(private readonly runner: QueryRunner) {}

  /** Rows of a statement; for UPDATE, INSERT and DELETE those of its RETURNING. */
  async query<Row = Record<string, unknown>>(sql: string, parameters: readonly unknown[] = []): Promise<Row[]> {
    const result = await this.runner.query(sql, [...parameters], true);
    return result.records;
  }

  /** How many rows a statement changed. */
  async execute(sql: string, parameters: readonly unknown[] = []): Promise<number> {
    const result = await this.runner.query(sql, [...parameters], true);
    return result.affected ?? 0;
  }

  /** TypeORM's manager on this transaction, where its mapping reads better than SQL. */
  get manager(): EntityManager {
    return this.runner.manager;
  }

  /** True once something was announced: the sequencer is poked after commit. */
  get announced(): boolean {
    return this.#announced;
  }

  readonly outbox = {
    append: async (...announcements: readonly Announcement[]): Promise<void> => {
      if (announcements.length === 0) return;
      this.#announced = true;
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
      this.#announced = true;
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
