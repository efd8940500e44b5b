import { create } from '@bufbuild/protobuf';
import { type Timestamp, timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import type { DriftOutcome, Findings, Instant, ObjectRef } from '#domain';
import * as wire from '../wire.js';
import { agentField } from './agent-fields.js';
import { defined } from './optional.js';

interface WireFindings {
  drifts: wire.FieldDrift[];
  conflicts: wire.FieldConflict[];
  events: wire.ObjectEvent[];
}

const outcomes = {
  reported: wire.DriftOutcome.REPORTED,
  'put-back': wire.DriftOutcome.PUT_BACK,
  'fought-over': wire.DriftOutcome.FOUGHT_OVER,
  conflict: wire.DriftOutcome.CONFLICT,
} satisfies Record<DriftOutcome, wire.DriftOutcome>;

/** A newer agent's word for it is passed over. */
const outcomesFromWire: Readonly<Record<number, DriftOutcome>> = {
  [wire.DriftOutcome.REPORTED]: 'reported',
  [wire.DriftOutcome.PUT_BACK]: 'put-back',
  [wire.DriftOutcome.FOUGHT_OVER]: 'fought-over',
  [wire.DriftOutcome.CONFLICT]: 'conflict',
};

const mostOfEach = 50;
const noObject: ObjectRef = { apiVersion: '', kind: '', namespace: '', name: '' };

const time = (at: Instant | undefined): Timestamp | undefined => (at === undefined ? undefined : timestampFromMs(at));
const instant = (at: Timestamp | undefined): Instant | undefined => (at === undefined ? undefined : timestampMs(at));

export const findingsToWire = ({ drifts, conflicts, events }: Findings): WireFindings => ({
  drifts: drifts.map(({ object, path, ordered, found, manager, changedAt, outcome }) =>
    create(wire.FieldDriftSchema, {
      ...{ object, path, ordered, found, manager },
      ...defined({ changeTime: time(changedAt), outcome: outcome === undefined ? undefined : outcomes[outcome] }),
    }),
  ),
  conflicts: conflicts.map((each) => create(wire.FieldConflictSchema, each)),
  events: events.map(({ object, reason, message, count, lastAt }) =>
    create(wire.ObjectEventSchema, { object, reason, message, count, ...defined({ lastTime: time(lastAt) }) }),
  ),
});

/** At most 50 of each, each text cut: a cluster in trouble must not fill the store. */
export const findingsFromWire = ({ drifts, conflicts, events }: WireFindings, at: string): Findings => ({
  drifts: drifts.slice(0, mostOfEach).map((each) => ({
    object: objectFromWire(each.object),
    path: agentField.text(each.path, 512),
    ordered: agentField.text(each.ordered, 512),
    found: agentField.text(each.found, 512),
    manager: agentField.text(each.manager, 128),
    changedAt: instant(each.changeTime),
    ...defined({ outcome: outcomesFromWire[each.outcome] }),
  })),
  conflicts: conflicts.slice(0, mostOfEach).map((each) => ({
    object: objectFromWire(each.object),
    path: agentField.text(each.path, 512),
    manager: agentField.text(each.manager, 128),
  })),
  events: events.slice(0, mostOfEach).map((each) => ({
    object: objectFromWire(each.object),
    reason: agentField.text(each.reason, 128),
    message: agentField.text(each.message),
    count: agentField.count(`${at}.events.count`, each.count),
    lastAt: instant(each.lastTime),
  })),
});

const objectFromWire = ({ apiVersion, kind, namespace, name }: ObjectRef = noObject): ObjectRef => ({
  apiVersion: agentField.text(apiVersion, 253),
  kind: agentField.text(kind, 63),
  namespace: agentField.text(namespace, 253),
  name: agentField.text(name, 253),
});
