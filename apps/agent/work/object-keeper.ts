import { berthAnnotations, type FieldConflict, type ObjectRef } from '#domain';
import {
  type AppliedObject,
  type Bounds,
  FieldManagerConflict,
  type FieldPath,
  InvalidObject,
  type LiveObject,
  type LostValue,
  type Ordered,
  type OwnedObject,
  PreconditionConflict,
  withoutFields,
  withoutTemplateMarks,
} from '#kube';
import type { AgentParts } from '../seams.js';
import { driftsOf, toldPath } from './drift.js';
import { ApplyRefused } from './failure.js';
import type { HeldWork } from './held-works.js';
import { orderedReplicas, type WantedObject } from './plan.js';

const callTimeoutMs = 30_000;
/** Their content is gone with them, and a namespace's or definition's is not even the work's alone. */
const neverRecreated: ReadonlySet<string> = new Set([
  'Namespace',
  'CustomResourceDefinition',
  'PersistentVolumeClaim',
  'PersistentVolume',
]);
const mostHandOvers = 5;

/** An object that is there, as far as it matters for writing it. */
interface Standing {
  uid: string;
  yielded: readonly FieldPath[];
  /** An autoscaler has had its number of replicas so far. */
  isAutoscaled: boolean;
  /** It was there before Berth took it over: its pods keep the labels that they have. */
  adopted: boolean;
}

export interface BroughtObject extends AppliedObject {
  adopted: boolean;
}

const standingOf = ({ uid, hold, adopted }: OwnedObject, { reclaims }: WantedObject): Standing => ({
  ...{ uid, adopted, yielded: reclaims ? [] : (hold?.yielded ?? []), isAutoscaled: hold?.isAutoscaled ?? false },
});

/** As it is applied to what is there, where fields of it are left to others. */
export function orderedOf(wanted: WantedObject, { yielded, adopted }: Pick<Standing, 'yielded' | 'adopted'>): Ordered {
  const { stamp } = wanted;
  const manifest = adopted ? withoutTemplateMarks(wanted.manifest) : wanted.manifest;
  if (yielded.length === 0) return { manifest, stamp };
  const annotations = { ...stamp.annotations, [berthAnnotations.yielded]: JSON.stringify(yielded) };
  return { manifest: withoutFields(manifest, yielded), stamp: { ...stamp, annotations } };
}

/** The server, or the agent itself, has said no: nothing was written. */
const isRefusal = (error: unknown): boolean =>
  error instanceof FieldManagerConflict || error instanceof InvalidObject || error instanceof ApplyRefused;

/** Whether a conflict over this path is over the field, or over a part of it. */
const concerns =
  (conflict: FieldManagerConflict) =>
  ({ path }: LostValue): boolean =>
    conflict.owners.some(({ fieldPath }) => fieldPath.startsWith(path) || path.startsWith(fieldPath));

/** Brings one object to what is ordered, by what it finds there: never over what is not Berth's, unless it was asked to. */
export class ObjectKeeper {
  constructor(private readonly parts: AgentParts) {}

  get #bounds(): Bounds {
    return { signal: this.parts.signal, timeoutMs: callTimeoutMs };
  }

  async bring(held: HeldWork, wanted: WantedObject, observed: OwnedObject | undefined): Promise<BroughtObject> {
    held.notes.refused(wanted.key, []);
    if (observed !== undefined) return this.#change(held, wanted, standingOf(observed, wanted));
    const found = await this.#create(wanted);
    if ('created' in found) return { ...found, adopted: false };
    const isOurs = found.isApplied || found.workId === held.work.id;
    if (!isOurs) return this.#takeOver(held, wanted, found);
    const { uid, yielded, adopted } = found;
    return this.#change(held, wanted, { uid, yielded, isAutoscaled: false, adopted });
  }

  /** One call where there is nothing yet; else what is there. */
  async #create(wanted: WantedObject): Promise<AppliedObject | LiveObject> {
    const { member } = this.parts;
    const { birth, stamp } = wanted;
    try {
      return await member.applyObject(birth, stamp, { ...this.#bounds, expect: 'absent' });
    } catch (error) {
      if (!(error instanceof PreconditionConflict || error instanceof FieldManagerConflict)) throw error;
      const there = await member.lookAt(wanted, this.#bounds);
      if (there === undefined) throw error;
      return there;
    }
  }

  async #takeOver(held: HeldWork, wanted: WantedObject, there: LiveObject): Promise<BroughtObject> {
    const { work } = held;
    const { ref } = wanted;
    if (work.policy.adoption === 'never') {
      const whose = there.managedBy === '' ? '' : ` (managed by ${there.managedBy})`;
      throw new ApplyRefused('ObjectNotOurs', `${ref.kind} "${ref.name}" is there already and not Berth's${whose}`);
    }
    const { member, log } = this.parts;
    const { uid, yielded } = there;
    const known = held.refusedTakeOvers.get(wanted.key);
    // the very object that refused this content: no need to write into it to hear that again
    if (known?.resourceVersion === there.resourceVersion) {
      held.notes.refused(wanted.key, known.conflicts);
      throw known.error;
    }
    await member.markAdopted(there, this.#bounds);
    try {
      const brought = await this.#change(held, wanted, { uid, yielded, isAutoscaled: false, adopted: true });
      const { kind, namespace, name } = ref;
      log.info({ work: work.id, kind, namespace, name, uid }, 'object adopted');
      return brought;
    } catch (error) {
      // nothing of it is Berth's, so no tombstone will ever name it: the mark would stay
      if (isRefusal(error)) {
        await member.letGo({ ...ref, uid }, this.#bounds);
        const conflicts = held.notes.refusedOver(wanted.key);
        const { resourceVersion } = (await member.lookAt(wanted, this.#bounds)) ?? there;
        held.refusedTakeOvers.set(wanted.key, { resourceVersion, error, conflicts });
      }
      throw error;
    }
  }

  async #change(held: HeldWork, wanted: WantedObject, there: Standing): Promise<BroughtObject> {
    const replicas = orderedReplicas(wanted.manifest);
    const isTakenBack = there.isAutoscaled && replicas !== undefined;
    const target = { ...wanted.ref, uid: there.uid };
    if (wanted.isAutoscaled) await this.handOver(wanted, there);
    if (isTakenBack) await this.parts.member.takeReplicas(target, replicas, this.#bounds);
    const applied = await this.#write(held, wanted, there);
    if (isTakenBack && applied.uid === there.uid) await this.parts.member.releaseReplicas(target, this.#bounds);
    return { ...applied, adopted: there.adopted && applied.uid === there.uid };
  }

  async #write(held: HeldWork, wanted: WantedObject, there: Standing): Promise<AppliedObject> {
    try {
      return await this.#overOthers(held, wanted, there);
    } catch (error) {
      if (error instanceof InvalidObject) return this.#unchangeable(held, wanted, there, error);
      throw error;
    }
  }

  async #overOthers(held: HeldWork, wanted: WantedObject, there: Standing): Promise<AppliedObject> {
    const { manifest, stamp } = orderedOf(wanted, there);
    try {
      return await this.parts.member.applyObject(manifest, stamp, { ...this.#bounds, expect: { uid: there.uid } });
    } catch (error) {
      if (error instanceof FieldManagerConflict) return this.#contested(held, wanted, there, error);
      throw error;
    }
  }

  /** Shares the number of replicas before Berth leaves it: dropped by its only owner it would fall to one. */
  async handOver(wanted: WantedObject, { uid }: { uid: string }): Promise<void> {
    const { member } = this.parts;
    for (let tries = 1; ; tries++) {
      const live = await member.lookAt(wanted, this.#bounds);
      if (live === undefined || live.uid !== uid || !live.hasReplicas || live.replicas === undefined) return;
      try {
        return await member.shareReplicas({ ...wanted.ref, uid }, live.replicas, this.#bounds);
      } catch (error) {
        // the autoscaler has changed the number in between
        if (!(error instanceof FieldManagerConflict) || tries >= mostHandOvers) throw error;
      }
    }
  }

  /** Who wrote a field once is overruled; who applies it has it for good. */
  async #contested(
    held: HeldWork,
    wanted: WantedObject,
    there: Standing,
    conflict: FieldManagerConflict,
  ): Promise<AppliedObject> {
    const { member, timing } = this.parts;
    const live = await member.lookAt(wanted, this.#bounds);
    if (live === undefined || live.uid !== there.uid) throw conflict;
    const contested = live.lost.filter(concerns(conflict));
    if (held.work.policy.drift === 'adopt') return this.yield(held, wanted, live, contested);
    const appliers = conflict.owners.filter(({ manager }) => live.appliers.includes(manager));
    if (appliers.length > 0) {
      held.notes.refused(
        wanted.key,
        appliers.map((owner) => conflictOf(wanted.ref, owner)),
      );
      throw conflict;
    }
    const { manifest, stamp } = orderedOf(wanted, there);
    const { uid, resourceVersion } = live;
    const applied = await member.applyObject(manifest, stamp, {
      ...{ ...this.#bounds, force: true, expect: { uid, resourceVersion } },
    });
    for (const { path, found, manager } of driftsOf(wanted.ref, contested))
      held.notes.event(wanted.ref, 'FieldTakenBack', `${path} was ${found} by ${manager}`, timing.clock.now());
    return applied;
  }

  /** Leaves fields to whoever has them, and remembers that on the object. */
  async yield(
    held: HeldWork,
    wanted: WantedObject,
    live: LiveObject,
    fields: readonly LostValue[],
  ): Promise<AppliedObject> {
    const { member, timing } = this.parts;
    const yielded = [...live.yielded, ...fields.map(({ segments }) => segments)];
    const { manifest, stamp } = orderedOf(wanted, { yielded, adopted: live.adopted });
    const { uid, resourceVersion } = live;
    const applied = await member.applyObject(manifest, stamp, { ...this.#bounds, expect: { uid, resourceVersion } });
    for (const { path, manager, found } of driftsOf(wanted.ref, fields)) {
      const message = `${path} is left to ${manager || 'whoever changed it'}: ${found || 'removed'}`;
      held.notes.event(wanted.ref, 'FieldAdopted', message, timing.clock.now());
    }
    return applied;
  }

  /** A change that is refused although the object would be taken as a new one. */
  async #unchangeable(
    held: HeldWork,
    wanted: WantedObject,
    there: Standing,
    refusal: InvalidObject,
  ): Promise<AppliedObject> {
    const { member, timing, log } = this.parts;
    const { ref, birth, stamp } = wanted;
    if (!(await member.isCreatable({ manifest: birth, stamp }, this.#bounds))) throw refusal;
    const fields = [...new Set(refusal.fields.map(({ field }) => field))].join(', ');
    const isRefused = held.work.policy.immutable === 'refuse' || neverRecreated.has(ref.kind) || there.adopted;
    if (isRefused) throw new ApplyRefused('ImmutableField', `${ref.kind} "${ref.name}": ${fields} can't be changed`);
    const { kind, namespace, name } = ref;
    log.info({ work: held.work.id, kind, namespace, name, uid: there.uid, fields }, 'object replaced, as declared');
    const { outcome, message } = await member.deleteObject({ ...ref, uid: there.uid }, this.#bounds);
    if (outcome === 'deleting') throw new ApplyRefused('BeingReplaced', `${kind} "${name}": ${message}`, true);
    const made = await member.applyObject(birth, stamp, { ...this.#bounds, expect: 'absent' });
    held.notes.event(ref, 'Recreated', `${fields} can't be changed: deleted and made again`, timing.clock.now());
    return made;
  }
}

const conflictOf = (
  { apiVersion, kind, namespace, name }: ObjectRef,
  { manager, fieldPath }: FieldManagerConflict['owners'][number],
): FieldConflict => ({ object: { apiVersion, kind, namespace, name }, path: toldPath(fieldPath), manager });
