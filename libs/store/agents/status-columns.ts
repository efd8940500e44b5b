import type { ClusterId, WorkStatus } from '#domain';
import type { StatusWrite } from './status-write.js';

/** What one epoch of a cluster says in a batch, over all its reports. */
export interface ReportedLine {
  /** From 1. */
  place: number;
  cluster: ClusterId;
  epoch: bigint;
  /** The last. */
  sequence: bigint;
  isFull: boolean;
}

/** The newest report of a work in a line. */
export interface ReportedWork {
  line: ReportedLine;
  sequence: bigint;
  status: WorkStatus;
}

/** A statement cannot touch a row twice; a work counts for each line, so that no cluster hides another's. */
export function newestOfEach(writes: readonly StatusWrite[]): { lines: ReportedLine[]; works: ReportedWork[] } {
  const lines = new Map<string, ReportedLine & { works: Map<string, ReportedWork> }>();
  for (const { cluster, epoch, sequence, works, fullReportFrom } of writes) {
    const key = `${cluster}/${epoch}`;
    const line = lines.get(key) ?? { place: lines.size + 1, cluster, epoch, sequence, isFull: false, works: new Map() };
    lines.set(key, line);
    if (sequence > line.sequence) line.sequence = sequence;
    line.isFull ||= fullReportFrom !== undefined;
    for (const status of works) {
      const known = line.works.get(status.workId);
      if (known === undefined || known.sequence <= sequence) line.works.set(status.workId, { line, sequence, status });
    }
  }
  const works = [...lines.values()].flatMap((line) => [...line.works.values()]);
  // in one order everywhere, so that nobody locks rows crosswise
  works.sort((a, b) => (a.status.workId < b.status.workId ? -1 : 1));
  return { lines: [...lines.values()], works };
}

/**
 * Columns as PostgreSQL reads them: arrays of numbers and identities written out, and JSON one text a line, of which it
 * never has two. Quoting each value inside of an array would cost more than the rest of the batch.
 */
export function workColumns(works: readonly ReportedWork[]): string[] {
  const array = (pick: (each: ReportedWork) => string | number | bigint): string => `{${works.map(pick).join()}}`;
  const lines = (pick: (status: WorkStatus) => string): string => works.map(({ status }) => pick(status)).join('\n');
  return [
    array(({ line }) => line.place),
    array(({ sequence }) => sequence),
    array(({ status }) => status.workId),
    array(({ status }) => status.generation),
    array(({ status }) => status.phase),
    array(({ status }) => status.replicas.desired),
    array(({ status }) => status.replicas.updated),
    array(({ status }) => status.replicas.ready),
    array(({ status }) => status.replicas.unavailable),
    array(({ status }) => status.replicas.restarts),
    lines(({ reasons }) => (reasons.length === 0 ? '[]' : JSON.stringify(reasons))),
    lines(({ objects }) => JSON.stringify(objects)),
    lines(findingsOf),
  ];
}

/** Most works have nothing to say here, and their row holds nothing. */
const findingsOf = ({ findings: { drifts, conflicts, events } }: WorkStatus): string =>
  drifts.length + conflicts.length + events.length === 0 ? '' : JSON.stringify({ drifts, conflicts, events });
