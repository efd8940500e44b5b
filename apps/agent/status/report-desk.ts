import type { StatusReport } from '#contract';
import type { TombstoneReport, WorkStatus } from '#domain';

const worksPerReport = 200;

interface InFlight {
  sequence: bigint;
  tombstones: readonly string[];
}

/**
 * What is to be told to the hub. Pure: one pending entry per work however often it changes, so that back-pressure
 * costs detail and not memory; a new epoch is silent until its full report, which is owed from the beginning.
 */
export class ReportDesk {
  #sequence = 0n;
  #pending = new Set<string>();
  #reported = new Map<string, string>();
  readonly #outcomes = new Map<string, TombstoneReport>();
  #inFlight: InFlight[] = [];
  /** Parts of the full report that are left; undefined before it is opened. */
  #full: string[][] | undefined;
  #isFullBegun = false;

  constructor(private readonly window: number) {}

  /** Nothing of what was said before counts any more. Outcomes that were not acknowledged are said again. */
  beginEpoch(): void {
    this.#sequence = 0n;
    this.#pending.clear();
    this.#reported.clear();
    this.#inFlight = [];
    this.#full = undefined;
    this.#isFullBegun = false;
  }

  /** Opens the full report of this epoch over these works; once. */
  openFull(workIds: readonly string[]): void {
    if (this.#full !== undefined) return;
    const parts: string[][] = [];
    for (let from = 0; from < workIds.length; from += worksPerReport)
      parts.push(workIds.slice(from, from + worksPerReport));
    this.#full = parts.length === 0 ? [[]] : parts;
  }

  get isFullOpened(): boolean {
    return this.#full !== undefined;
  }

  touch(workId: string): void {
    this.#pending.add(workId);
  }

  confirm(report: TombstoneReport): void {
    this.#outcomes.set(report.tombstoneId, report);
  }

  /** The hub has stored everything up to here. */
  acknowledge(sequence: bigint): void {
    for (const done of this.#inFlight.filter((each) => each.sequence <= sequence))
      for (const id of done.tombstones) this.#outcomes.delete(id);
    this.#inFlight = this.#inFlight.filter((each) => each.sequence > sequence);
  }

  /** The next report; undefined when there is nothing to say, or the hub has not taken in enough of what was said. */
  next(statusOf: (workId: string) => WorkStatus): StatusReport | undefined {
    if (this.#full === undefined || this.#inFlight.length >= this.window) return undefined;
    const part = this.#full.shift();
    return part === undefined ? this.#delta(statusOf) : this.#partOfFull(part, statusOf);
  }

  #partOfFull(part: readonly string[], statusOf: (workId: string) => WorkStatus): StatusReport {
    const isLast = this.#full?.length === 0;
    const isFirst = !this.#isFullBegun;
    this.#isFullBegun = true;
    const works = part.map((workId) => this.#remember(statusOf(workId)));
    for (const workId of part) this.#pending.delete(workId);
    if (isFirst) return this.#send(isLast ? 'whole' : 'begin', works, []);
    return this.#send(isLast ? 'end' : 'part', works, []);
  }

  #delta(statusOf: (workId: string) => WorkStatus): StatusReport | undefined {
    const works: WorkStatus[] = [];
    for (const workId of this.#pending) {
      if (works.length >= worksPerReport) break;
      this.#pending.delete(workId);
      const status = statusOf(workId);
      if (this.#reported.get(workId) !== fingerprint(status)) works.push(this.#remember(status));
    }
    const underWay = new Set(this.#inFlight.flatMap((each) => each.tombstones));
    const outcomes = [...this.#outcomes.values()].filter((each) => !underWay.has(each.tombstoneId));
    return works.length === 0 && outcomes.length === 0 ? undefined : this.#send('delta', works, outcomes);
  }

  #remember(status: WorkStatus): WorkStatus {
    this.#reported.set(status.workId, fingerprint(status));
    return status;
  }

  #send(
    bracket: StatusReport['bracket'],
    works: readonly WorkStatus[],
    tombstones: readonly TombstoneReport[],
  ): StatusReport {
    this.#sequence += 1n;
    this.#inFlight.push({ sequence: this.#sequence, tombstones: tombstones.map((each) => each.tombstoneId) });
    return { sequence: this.#sequence, bracket, works, tombstones };
  }
}

const fingerprint = (status: WorkStatus): string =>
  JSON.stringify({ ...status, generation: status.generation.toString() });
