import { create } from '@bufbuild/protobuf';
import type { ObjectStatus, StatusReason, TombstoneOutcome, TombstoneReport, WorkPhase, WorkStatus } from '#domain';
import * as line from '../line.js';
import { agentField } from './agent-fields.js';
import { findingsFromWire, findingsToWire } from './findings.js';

/** Where a report stands in a full report. */
export type Bracket = 'delta' | 'begin' | 'part' | 'end' | 'whole';

/** One report of an agent, within an epoch. */
export interface StatusReport {
  sequence: bigint;
  bracket: Bracket;
  works: readonly WorkStatus[];
  tombstones: readonly TombstoneReport[];
}

const workPhaseToWire = {
  pending: line.WorkPhase.PENDING,
  applying: line.WorkPhase.APPLYING,
  ready: line.WorkPhase.READY,
  degraded: line.WorkPhase.DEGRADED,
  failed: line.WorkPhase.FAILED,
} as const satisfies Record<WorkPhase, line.WorkPhase>;

const workPhaseFromWire = {
  [line.WorkPhase.UNSPECIFIED]: undefined,
  [line.WorkPhase.PENDING]: 'pending',
  [line.WorkPhase.APPLYING]: 'applying',
  [line.WorkPhase.READY]: 'ready',
  [line.WorkPhase.DEGRADED]: 'degraded',
  [line.WorkPhase.FAILED]: 'failed',
} as const satisfies Record<line.WorkPhase, WorkPhase | undefined>;

const outcomeToWire = {
  deleted: line.TombstoneOutcome.DELETED,
  absent: line.TombstoneOutcome.ABSENT,
  replaced: line.TombstoneOutcome.REPLACED,
  'foreign-left': line.TombstoneOutcome.FOREIGN_LEFT,
  'let-go': line.TombstoneOutcome.LET_GO,
} as const satisfies Record<TombstoneOutcome, line.TombstoneOutcome>;

const outcomeFromWire = {
  [line.TombstoneOutcome.UNSPECIFIED]: undefined,
  [line.TombstoneOutcome.DELETED]: 'deleted',
  [line.TombstoneOutcome.ABSENT]: 'absent',
  [line.TombstoneOutcome.REPLACED]: 'replaced',
  [line.TombstoneOutcome.FOREIGN_LEFT]: 'foreign-left',
  [line.TombstoneOutcome.LET_GO]: 'let-go',
} as const satisfies Record<line.TombstoneOutcome, TombstoneOutcome | undefined>;

const bracketToWire = {
  delta: line.Bracket.DELTA,
  begin: line.Bracket.BEGIN,
  part: line.Bracket.PART,
  end: line.Bracket.END,
  whole: line.Bracket.WHOLE,
} as const satisfies Record<Bracket, line.Bracket>;

const bracketFromWire = {
  [line.Bracket.UNSPECIFIED]: undefined,
  [line.Bracket.DELTA]: 'delta',
  [line.Bracket.BEGIN]: 'begin',
  [line.Bracket.PART]: 'part',
  [line.Bracket.END]: 'end',
  [line.Bracket.WHOLE]: 'whole',
} as const satisfies Record<line.Bracket, Bracket | undefined>;

export const statusReportToWire = (report: StatusReport): line.StatusReport =>
  create(line.StatusReportSchema, {
    sequence: report.sequence,
    bracket: bracketToWire[report.bracket],
    works: report.works.map(workStatusToWire),
    tombstones: report.tombstones.map(({ tombstoneId, outcome, message }) =>
      create(line.TombstoneReportSchema, { tombstoneId, outcome: outcomeToWire[outcome], message }),
    ),
  });

const workStatusToWire = ({
  workId,
  generation,
  phase,
  replicas,
  reasons,
  objects,
  findings,
}: WorkStatus): line.WorkStatus =>
  create(line.WorkStatusSchema, {
    workId,
    generation,
    phase: workPhaseToWire[phase],
    ...replicas,
    reasons: reasons.map(reasonToWire),
    objects: objects.map((object) => create(line.ObjectStatusSchema, object)),
    ...findingsToWire(findings),
  });

/** @throws InvalidRequest naming the field that no store could hold. */
export function statusReportFromWire(wire: line.StatusReport): StatusReport {
  return {
    sequence: agentField.sequence('sequence', wire.sequence),
    bracket: agentField.word('bracket', bracketFromWire[wire.bracket]),
    works: wire.works.map((work, index) => workStatusFromWire(work, `works[${index}]`)),
    // an outcome that a newer agent has confirms nothing here
    tombstones: wire.tombstones.flatMap((report, index) => {
      if (!(report.outcome in outcomeFromWire)) return [];
      return {
        tombstoneId: agentField.uuid(`tombstones[${index}].tombstone_id`, report.tombstoneId),
        outcome: agentField.word(`tombstones[${index}].outcome`, outcomeFromWire[report.outcome]),
        message: agentField.text(report.message),
      };
    }),
  };
}

const workStatusFromWire = (work: line.WorkStatus, at: string): WorkStatus => ({
  workId: agentField.uuid(`${at}.work_id`, work.workId),
  generation: agentField.sequence(`${at}.generation`, work.generation),
  // a phase that a newer agent has says that it is not ready, and no more
  phase: work.phase in workPhaseFromWire ? agentField.word(`${at}.phase`, workPhaseFromWire[work.phase]) : 'applying',
  replicas: {
    desired: agentField.count(`${at}.desired`, work.desired),
    updated: agentField.count(`${at}.updated`, work.updated),
    ready: agentField.count(`${at}.ready`, work.ready),
    unavailable: agentField.count(`${at}.unavailable`, work.unavailable),
    restarts: agentField.count(`${at}.restarts`, work.restarts),
  },
  reasons: work.reasons.map((reason) => reasonFromWire(reason, at)),
  objects: work.objects.map(objectFromWire),
  findings: findingsFromWire(work, at),
});

const reasonToWire = ({ refusedGeneration, ...reason }: StatusReason): line.Reason =>
  create(line.ReasonSchema, { ...reason, refusedGeneration: BigInt(refusedGeneration ?? 0) });

function reasonFromWire({ reason, message, count, refusedGeneration }: line.Reason, at: string): StatusReason {
  const refused = agentField.sequence(`${at}.reasons.refused_generation`, refusedGeneration);
  return {
    reason: agentField.text(reason, 128),
    message: agentField.text(message),
    count: agentField.count(`${at}.reasons.count`, count),
    ...(refused === 0n ? {} : { refusedGeneration: refused.toString() }),
  };
}

const objectFromWire = (object: line.ObjectStatus): ObjectStatus => ({
  apiVersion: agentField.text(object.apiVersion),
  kind: agentField.text(object.kind),
  namespace: agentField.text(object.namespace),
  name: agentField.text(object.name),
  uid: agentField.text(object.uid),
  resourceVersion: agentField.text(object.resourceVersion),
  ready: object.ready,
  summary: agentField.text(object.summary, 128),
  adopted: object.adopted,
});
