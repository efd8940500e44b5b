import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { StatusReport } from '#contract';
import { noFindings, type WorkStatus } from '#domain';
import { ReportDesk } from './report-desk.js';

const status = (workId: string, restarts = 0): WorkStatus => ({
  workId,
  generation: 1n,
  phase: 'ready',
  replicas: { desired: 1, updated: 1, ready: 1, unavailable: 0, restarts },
  reasons: [],
  objects: [],
  findings: noFindings,
});

const drain = (desk: ReportDesk, statusOf: (id: string) => WorkStatus): StatusReport[] => {
  const said: StatusReport[] = [];
  for (let report = desk.next(statusOf); report !== undefined; report = desk.next(statusOf)) {
    said.push(report);
    desk.acknowledge(report.sequence);
  }
  return said;
};

describe('ReportDesk', () => {
  it('says nothing before the full report is opened', () => {
    const desk = new ReportDesk(4);
    desk.touch('a');
    expect(desk.next(status)).toBeUndefined();
    desk.openFull(['a']);
    expect(desk.next(status)).toMatchObject({ sequence: 1n, bracket: 'whole', works: [{ workId: 'a' }] });
    expect(desk.next(status)).toBeUndefined();
  });

  it('brackets a full report that needs many messages, and names every work once', () => {
    const desk = new ReportDesk(4);
    const ids = Array.from({ length: 501 }, (_, index) => `w${index}`);
    desk.openFull(ids);
    const said = drain(desk, status);
    expect(said.map((report) => report.bracket)).toEqual(['begin', 'part', 'end']);
    expect(said.flatMap((report) => report.works.map((work) => work.workId))).toEqual(ids);
  });

  it('closes the full report of an empty cluster, too', () => {
    const desk = new ReportDesk(4);
    desk.openFull([]);
    expect(drain(desk, status)).toMatchObject([{ bracket: 'whole', works: [] }]);
  });

  it('merges changes while the hub takes nothing in, and says the last of them', () => {
    const desk = new ReportDesk(1);
    desk.openFull([]);
    desk.next(status);
    for (let n = 0; n < 100; n++) desk.touch('a');
    expect(desk.next(status)).toBeUndefined();
    desk.acknowledge(1n);
    expect(desk.next((id) => status(id, 100))).toMatchObject({ works: [{ replicas: { restarts: 100 } }] });
  });

  it('does not repeat what did not change', () => {
    const desk = new ReportDesk(4);
    desk.openFull(['a']);
    drain(desk, status);
    desk.touch('a');
    expect(desk.next(status)).toBeUndefined();
  });

  it('repeats the outcome of a tombstone in the next epoch until it is acknowledged', () => {
    const desk = new ReportDesk(4);
    desk.openFull([]);
    drain(desk, status);
    desk.confirm({ tombstoneId: 't', outcome: 'deleted', message: '' });
    expect(desk.next(status)?.tombstones).toHaveLength(1);
    expect(desk.next(status)).toBeUndefined();
    desk.beginEpoch();
    desk.openFull([]);
    const said = drain(desk, status);
    expect(said.flatMap((report) => report.tombstones)).toHaveLength(1);
    desk.beginEpoch();
    desk.openFull([]);
    expect(drain(desk, status).flatMap((report) => report.tombstones)).toHaveLength(0);
  });

  it('numbers without a gap, keeps to its window, and in the end has told the last of every work', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('touch' as const), work: fc.integer({ min: 0, max: 5 }) }),
      fc.record({ kind: fc.constant('say' as const) }),
      fc.record({ kind: fc.constant('hear' as const) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const desk = new ReportDesk(3);
        const truth = new Map<string, number>();
        const told = new Map<string, number>();
        const statusOf = (id: string) => status(id, truth.get(id) ?? 0);
        let last = 0n;
        let inFlight: bigint[] = [];
        const say = () => {
          const report = desk.next(statusOf);
          if (report === undefined) return false;
          expect(report.sequence).toBe(last + 1n);
          last = report.sequence;
          inFlight.push(last);
          expect(inFlight.length).toBeLessThanOrEqual(3);
          for (const work of report.works) told.set(work.workId, work.replicas.restarts);
          return true;
        };
        const hear = () => {
          const [first, ...rest] = inFlight;
          inFlight = rest;
          if (first !== undefined) desk.acknowledge(first);
        };
        desk.openFull([]);
        for (const each of steps) {
          if (each.kind === 'touch') {
            const id = `w${each.work}`;
            truth.set(id, (truth.get(id) ?? 0) + 1);
            desk.touch(id);
          } else if (each.kind === 'say') say();
          else hear();
        }
        while (inFlight.length > 0 || say()) hear();
        expect(told).toEqual(truth);
      }),
    );
  });
});
