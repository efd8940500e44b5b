import pg from 'pg';

/** What the hub's statement writes with its guard, by the same key, into the same columns: nothing around it. */
const upsert = `
  INSERT INTO work_status AS s (work_id, cluster_id, tenant_id, epoch, sequence, generation, phase,
    desired, updated, ready, unavailable, restarts, reasons, objects, findings, reported_at)
  SELECT r.*, clock_timestamp()
  FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[], $8::int[], $9::int[],
    $10::int[], $11::int[], $12::int[], $13::jsonb[], $14::jsonb[], $15::jsonb[]) AS r
  ON CONFLICT (work_id) DO UPDATE SET cluster_id = excluded.cluster_id, epoch = excluded.epoch,
    sequence = excluded.sequence, generation = excluded.generation, phase = excluded.phase, desired = excluded.desired,
    updated = excluded.updated, ready = excluded.ready, unavailable = excluded.unavailable,
    restarts = excluded.restarts, reasons = excluded.reasons, objects = excluded.objects,
    findings = excluded.findings, reported_at = excluded.reported_at
  WHERE (excluded.epoch, excluded.sequence) > (s.epoch, s.sequence)`;

interface StatusRow {
  work_id: string;
  cluster_id: string;
  tenant_id: string;
  objects: string;
  epoch: string;
}

export interface BareOptions {
  url: string;
  seconds: number;
  batchRows: number;
  /** Above what is stored in the present epochs, so that the guard lets each row pass; the next epochs are above it. */
  firstSequence: number;
}

/** Rows a second of one client that rewrites the status of every work again and again, a commit for each statement. */
export async function upsertBare({ url, seconds, batchRows, firstSequence }: BareOptions): Promise<number> {
  const client = new pg.Client({ connectionString: url, application_name: 'bare' });
  await client.connect();
  try {
    const { rows } = await client.query<StatusRow>(
      'SELECT work_id, cluster_id, tenant_id, epoch, objects::text AS objects FROM work_status ORDER BY cluster_id, work_id',
    );
    if (rows.length === 0) throw new Error('no status to write again');
    let written = 0;
    const from = performance.now();
    const until = from + seconds * 1000;
    for (let statement = 0; performance.now() < until; statement++) {
      const first = (statement * batchRows) % rows.length;
      const batch = rows.slice(first, first + batchRows).sort((a, b) => (a.work_id < b.work_id ? -1 : 1));
      const { rowCount } = await client.query({
        name: 'bare',
        text: upsert,
        values: valuesOf(batch, firstSequence + statement),
      });
      if (rowCount === null || rowCount === 0) throw new Error(`none of ${batch.length} rows was written`);
      written += rowCount; // without those of agents that have come back with a newer epoch
    }
    return written / ((performance.now() - from) / 1000);
  } finally {
    await client.end();
  }
}

function valuesOf(batch: readonly StatusRow[], sequence: number): unknown[] {
  const same = <T>(value: T): T[] => batch.map(() => value);
  return [
    batch.map((row) => row.work_id),
    batch.map((row) => row.cluster_id),
    batch.map((row) => row.tenant_id),
    ...[
      batch.map((row) => row.epoch),
      same(sequence),
      same(1),
      same('ready'),
      same(3),
      same(3),
      same(3),
      same(0),
      same(sequence % 100),
    ],
    ...[same('[]'), batch.map((row) => row.objects), same(null)],
  ];
}
