import type { ClusterId, TombstoneReport, WorkStatus } from '#domain';
import type { Transaction } from '../core/transaction.js';
import { lockEpochs } from './epochs.js';
import { recordOrphans } from './orphans.js';

/** One report of one agent. */
export interface StatusWrite {
  cluster: ClusterId;
  epoch: bigint;
  sequence: bigint;
  works: readonly WorkStatus[];
  tombstones: readonly TombstoneReport[];
  /** Set with the last part of a full report: the sequence of its first part. Works reported before it are gone. */
  fullReportFrom: bigint | undefined;
}

export interface StatusOutcome {
  /** Writes of an epoch that is no longer the cluster's: nothing of them is stored. */
  superseded: StatusWrite[];
  /** Works that are not this cluster's; the rest of their report is stored. */
  strangers: { cluster: ClusterId; workId: string }[];
}

interface ReportedWork {
  cluster: ClusterId;
  epoch: bigint;
  sequence: bigint;
  status: WorkStatus;
}

interface OwnWork {
  id: string;
  cluster_id: string;
  tenant_id: string;
  project_id: string;
  application_id: string;
}

/** Stores reports of many agents at once. Reports may come twice; (epoch, sequence) decides. */
export async function storeStatus(tx: Transaction, writes: readonly StatusWrite[]): Promise<StatusOutcome> {
  const epochs = await lockEpochs(tx, writes);
  const accepted = writes.filter((write) => epochs.get(write.cluster) === write.epoch);
  const reported = newestOfEach(accepted);
  const own = await ownWorks(tx, reported);
  await upsertStatus(tx, reported);
  await confirmTombstones(tx, accepted);
  const vanished = await forgetVanished(tx, accepted);
  const strangers = reported.filter(({ cluster, status }) => own.get(status.workId)?.cluster_id !== cluster);
  await recordOrphans(tx, strangers, fullReportsIn(accepted));
  await markStored(tx, accepted);
  await announce(tx, accepted, [...own.values(), ...vanished]);
  return {
    superseded: writes.filter((write) => !accepted.includes(write)),
    strangers: strangers.map(({ cluster, status }) => ({ cluster, workId: status.workId })),
  };
}

/** A statement cannot touch a row twice; a work's key includes who reports it, so that no cluster hides another's. */
function newestOfEach(writes: readonly StatusWrite[]): ReportedWork[] {
  const newest = new Map<string, ReportedWork>();
  for (const { cluster, epoch, sequence, works } of writes)
    for (const status of works) {
      const key = `${cluster}/${status.workId}`;
      const known = newest.get(key);
      if (known === undefined || known.sequence <= sequence) newest.set(key, { cluster, epoch, sequence, status });
    }
  // in one order everywhere, so that two hubs don't lock rows crosswise
  return [...newest.values()].sort((a, b) => (a.status.workId < b.status.workId ? -1 : 1));
}

async function ownWorks(tx: Transaction, reported: readonly ReportedWork[]): Promise<Map<string, OwnWork>> {
  const rows = await tx.query<OwnWork>(
    `SELECT w.id, w.cluster_id, w.tenant_id, w.project_id, w.application_id
     FROM unnest($1::uuid[], $2::text[]) AS r(work_id, cluster_id)
     JOIN works w ON w.id = r.work_id AND w.cluster_id = r.cluster_id`,
    [reported.map(({ status }) => status.workId), reported.map(({ cluster }) => cluster)],
  );
  return new Map(rows.map((row) => [row.id, row]));
}

const upsertSql = `
  INSERT INTO work_status AS s (work_id, cluster_id, tenant_id, epoch, sequence, generation, phase,
    desired, updated, ready, unavailable, restarts, reasons, objects, findings, reported_at)
  SELECT w.id, w.cluster_id, w.tenant_id, r.epoch, r.sequence, r.generation, r.phase,
    r.desired, r.updated, r.ready, r.unavailable, r.restarts, r.reasons, r.objects, r.findings, clock_timestamp()
  FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::int[], $8::int[],
    $9::int[], $10::int[], $11::int[], $12::jsonb[], $13::jsonb[], $14::jsonb[])
    AS r(work_id, cluster_id, epoch, sequence, generation, phase, desired, updated, ready, unavailable, restarts, reasons, objects, findings)
  JOIN works w ON w.id = r.work_id AND w.cluster_id = r.cluster_id
  ON CONFLICT (work_id) DO UPDATE SET cluster_id = excluded.cluster_id, epoch = excluded.epoch,
    sequence = excluded.sequence, generation = excluded.generation, phase = excluded.phase, desired = excluded.desired,
    updated = excluded.updated, ready = excluded.ready, unavailable = excluded.unavailable,
    restarts = excluded.restarts, reasons = excluded.reasons, objects = excluded.objects,
    findings = excluded.findings, reported_at = excluded.reported_at
  WHERE (excluded.epoch, excluded.sequence) > (s.epoch, s.sequence)`;

async function upsertStatus(tx: Transaction, reported: readonly ReportedWork[]): Promise<void> {
  if (reported.length === 0) return;
  const column = <T>(pick: (each: ReportedWork) => T): T[] => reported.map(pick);
  await tx.query(upsertSql, [
    column(({ status }) => status.workId),
    column(({ cluster }) => cluster),
    column(({ epoch }) => epoch.toString()),
    column(({ sequence }) => sequence.toString()),
    column(({ status }) => status.generation.toString()),
    column(({ status }) => status.phase),
    column(({ status }) => status.replicas.desired),
    column(({ status }) => status.replicas.updated),
    column(({ status }) => status.replicas.ready),
    column(({ status }) => status.replicas.unavailable),
    column(({ status }) => status.replicas.restarts),
    column(({ status }) => JSON.stringify(status.reasons)),
    column(({ status }) => JSON.stringify(status.objects)),
    column(({ status }) => findingsOf(status)),
  ]);
}

/** Most works have nothing to say here, and their row holds nothing. */
const findingsOf = ({ findings: { drifts, conflicts, events } }: WorkStatus): string | null =>
  drifts.length + conflicts.length + events.length === 0 ? null : JSON.stringify({ drifts, conflicts, events });

async function confirmTombstones(tx: Transaction, writes: readonly StatusWrite[]): Promise<void> {
  const reports = writes.flatMap(({ cluster, tombstones }) => tombstones.map((report) => ({ cluster, ...report })));
  if (reports.length === 0) return;
  await tx.query(
    `UPDATE tombstones t SET confirmed_at = clock_timestamp(), outcome = r.outcome, message = r.message
     FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) AS r(id, cluster_id, outcome, message)
     WHERE t.id = r.id AND t.cluster_id = r.cluster_id AND t.confirmed_at IS NULL`,
    [
      reports.map((each) => each.tombstoneId),
      reports.map((each) => each.cluster),
      reports.map((each) => each.outcome),
      reports.map((each) => each.message),
    ],
  );
}

const fullReportsIn = (writes: readonly StatusWrite[]) =>
  writes.flatMap(({ cluster, epoch, fullReportFrom: from }) => (from === undefined ? [] : [{ cluster, epoch, from }]));

/** Works that a full report did not name are not in the cluster: what was last seen of them is no longer true. */
async function forgetVanished(tx: Transaction, writes: readonly StatusWrite[]): Promise<OwnWork[]> {
  const full = writes.flatMap((write) =>
    write.fullReportFrom === undefined ? [] : [{ ...write, from: write.fullReportFrom }],
  );
  if (full.length === 0) return [];
  return tx.query<OwnWork>(
    `DELETE FROM work_status s USING unnest($1::text[], $2::bigint[], $3::bigint[]) AS f(cluster_id, epoch, sequence), works w
     WHERE s.cluster_id = f.cluster_id AND (s.epoch, s.sequence) < (f.epoch, f.sequence) AND w.id = s.work_id
     RETURNING w.id, w.cluster_id, w.tenant_id, w.project_id, w.application_id`,
    [
      full.map((each) => each.cluster),
      full.map((each) => each.epoch.toString()),
      full.map((each) => each.from.toString()),
    ],
  );
}

async function markStored(tx: Transaction, writes: readonly StatusWrite[]): Promise<void> {
  const last = new Map<ClusterId, { sequence: bigint; full: boolean }>();
  for (const { cluster, sequence, fullReportFrom } of writes) {
    const before = last.get(cluster) ?? { sequence: 0n, full: false };
    const newest = sequence > before.sequence ? sequence : before.sequence;
    last.set(cluster, { sequence: newest, full: before.full || fullReportFrom !== undefined });
  }
  const entries = [...last.entries()];
  await tx.query(
    `UPDATE cluster_agents a SET status_sequence = greatest(a.status_sequence, r.sequence),
       full_report_at = CASE WHEN r.is_full THEN clock_timestamp() ELSE a.full_report_at END
     FROM unnest($1::text[], $2::bigint[], $3::boolean[]) AS r(cluster_id, sequence, is_full)
     WHERE a.cluster_id = r.cluster_id`,
    [
      entries.map(([cluster]) => cluster),
      entries.map(([, { sequence }]) => sequence.toString()),
      entries.map(([, { full }]) => full),
    ],
  );
}

async function announce(tx: Transaction, writes: readonly StatusWrite[], works: readonly OwnWork[]): Promise<void> {
  const applications = new Map(
    works.map((work) => [`${work.tenant_id}/${work.project_id}/${work.application_id}`, work]),
  );
  const clusters = new Map(writes.map((write) => [write.cluster, write.sequence]));
  await tx.outbox.append(
    ...[...applications.values()].map((work) => ({
      tenant: work.tenant_id,
      kind: 'application' as const,
      resource: `${work.project_id}/${work.application_id}`,
    })),
    ...[...clusters].map(([cluster, version]) => ({
      tenant: undefined,
      kind: 'status' as const,
      resource: cluster,
      version,
    })),
  );
}
