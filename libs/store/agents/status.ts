import type { ClusterId } from '#domain';
import type { Transaction } from '../core/transaction.js';
import { recordOrphans } from './orphans.js';
import { newestOfEach, type ReportedWork } from './status-columns.js';
import { storeReports } from './status-statement.js';
import type { StatusOutcome, StatusWrite } from './status-write.js';

interface VanishedWork {
  tenant_id: string;
  project_id: string;
  application_id: string;
}

/** Stores reports of many agents at once. Reports may come twice; (epoch, sequence) decides. */
export async function storeStatus(tx: Transaction, writes: readonly StatusWrite[]): Promise<StatusOutcome> {
  const { lines, works } = newestOfEach(writes);
  const stored = await storeReports(tx, lines, works);
  const current = new Map(
    stored.lines.flatMap((place) => lines.slice(place - 1, place)).map((line) => [line.cluster, line]),
  );
  const isCurrent = ({ cluster, epoch }: { cluster: ClusterId; epoch: bigint }) =>
    current.get(cluster)?.epoch === epoch;
  const accepted = writes.filter(isCurrent);
  const reported = works.filter(({ line }) => isCurrent(line));
  const strangers = stored.own === reported.length ? [] : await strangersAmong(tx, reported);
  await confirmTombstones(tx, accepted);
  await forgetVanished(tx, accepted);
  await recordOrphans(
    tx,
    strangers.map(({ line: { cluster, epoch }, sequence, status }) => ({ cluster, epoch, sequence, status })),
    fullReportsIn(accepted),
  );
  return {
    superseded: writes.filter((write) => !isCurrent(write)),
    strangers: strangers.map(({ line, status }) => ({ cluster: line.cluster, workId: status.workId })),
  };
}

async function strangersAmong(tx: Transaction, reported: readonly ReportedWork[]): Promise<ReportedWork[]> {
  const rows = await tx.query<{ at: number }>(
    `SELECT r.at::int FROM unnest($1::uuid[], $2::text[]) WITH ORDINALITY AS r(work_id, cluster_id, at)
     WHERE NOT EXISTS (SELECT FROM works w WHERE w.id = r.work_id AND w.cluster_id = r.cluster_id)`,
    [reported.map(({ status }) => status.workId), reported.map(({ line }) => line.cluster)],
  );
  return rows.flatMap(({ at }) => reported.slice(at - 1, at));
}

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
async function forgetVanished(tx: Transaction, writes: readonly StatusWrite[]): Promise<void> {
  const full = writes.flatMap((write) =>
    write.fullReportFrom === undefined ? [] : [{ ...write, from: write.fullReportFrom }],
  );
  if (full.length === 0) return;
  const vanished = await tx.query<VanishedWork>(
    `DELETE FROM work_status s USING unnest($1::text[], $2::bigint[], $3::bigint[]) AS f(cluster_id, epoch, sequence), works w
     WHERE s.cluster_id = f.cluster_id AND (s.epoch, s.sequence) < (f.epoch, f.sequence) AND w.id = s.work_id
     RETURNING w.tenant_id, w.project_id, w.application_id`,
    [
      full.map((each) => each.cluster),
      full.map((each) => each.epoch.toString()),
      full.map((each) => each.from.toString()),
    ],
  );
  const applications = new Map(
    vanished.map((work) => [`${work.tenant_id}/${work.project_id}/${work.application_id}`, work]),
  );
  await tx.outbox.append(
    ...[...applications.values()].map((work) => ({
      tenant: work.tenant_id,
      kind: 'application' as const,
      resource: `${work.project_id}/${work.application_id}`,
    })),
  );
}
