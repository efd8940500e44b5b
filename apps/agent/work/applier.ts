import { berthLabels, type Slots, type Work } from '#domain';
import { NamespaceNotOurs, type ObjectIdentity } from '#kube';
import { type AgentParts, backoffMs, rest } from '../seams.js';
import { failureOf, isAnswerLost } from './failure.js';
import { type Drifted, type HeldWork, type HeldWorks, leftUnsure, type Unsure } from './held-works.js';
import { Mender } from './mender.js';
import { ObjectKeeper } from './object-keeper.js';
import { isDefinition } from './order.js';
import { isNamespace, objectKey, type WantedObject } from './plan.js';
import type { Turns } from './turns.js';

const retries = { firstMs: 500, longestMs: 60_000 };
const passingRetries = { firstMs: 200, longestMs: 10_000 };
const applyTimeoutMs = 30_000;
/** What the watch has not shown by then, it will not show. */
const shownWithinMs = 10_000;

/** What is to be done for a work: objects to bring to what is ordered, and objects that somebody has changed since. */
interface Due {
  left: readonly WantedObject[];
  drifted: readonly Drifted[];
  unsure: readonly Unsure[];
}

interface Run {
  /** Something changed since the last look. */
  isDue: boolean;
  /** Ends a pause between tries. */
  hurry: AbortController;
}

/** Brings works into the cluster: one run per work, many works at a time, again after failures, without end. */
export class Applier {
  readonly #runs = new Map<string, Run>();
  readonly #namespaces = new Map<string, Promise<ObjectIdentity>>();
  readonly #keeper: ObjectKeeper;
  readonly #mender: Mender;

  constructor(
    private readonly parts: AgentParts,
    private readonly held: HeldWorks,
    private readonly slots: Slots,
    private readonly turns: Turns,
    private readonly hooks: { mayApply(): boolean; onChange(workId: string): void; onDefect(error: unknown): void },
  ) {
    this.#keeper = new ObjectKeeper(parts);
    this.#mender = new Mender(parts, this.#keeper, {
      onChange: hooks.onChange,
      onDue: (workId) => this.due(workId, { isNew: false }),
    });
  }

  /** Something about the work changed: its content (then without waiting out a pause), or its objects in the cluster. */
  due(workId: string, { isNew }: { isNew: boolean }): void {
    const running = this.#runs.get(workId);
    if (running !== undefined) {
      running.isDue = true;
      if (isNew) running.hurry.abort();
      return;
    }
    const run: Run = { isDue: true, hurry: new AbortController() };
    this.#runs.set(workId, run);
    void this.#run(workId, run).catch((error: unknown) => {
      if (!this.parts.signal.aborted) this.hooks.onDefect(error);
    });
  }

  async #run(workId: string, run: Run): Promise<void> {
    await this.parts.watch.synced;
    while (run.isDue && this.hooks.mayApply() && !this.parts.signal.aborted) {
      run.isDue = false;
      const held = this.held.get(workId);
      if (held !== undefined) await this.#watchKindsOf(held);
      if (held === undefined) continue;
      const due = this.#dueOf(held);
      if (due.left.length + due.drifted.length + due.unsure.length === 0) {
        this.#healed(held);
        continue;
      }
      const isDone = await this.slots.within(() => this.#try(held, due));
      this.hooks.onChange(workId);
      if (isDone) continue;
      run.isDue = true;
      await this.#pause(held, run);
    }
    this.#runs.delete(workId);
  }

  /** What failed is done all the same: only its answer was lost, or somebody else did it. */
  #healed(held: HeldWork): void {
    if (held.failure === undefined) return;
    held.failure = undefined;
    held.failures = 0;
    this.hooks.onChange(held.work.id);
  }

  #dueOf(held: HeldWork): Due {
    const { watch, timing } = this.parts;
    watch.compare(held.work.id);
    const objects = watch.objectsOf(held.work.id);
    const left = this.held.examine(held, objects);
    return { left, drifted: this.held.drifted(held, objects, timing.clock.now()), unsure: leftUnsure(held) };
  }

  /** Kinds beyond those that are always watched: what is not seen must not be taken for missing. */
  async #watchKindsOf({ wanted }: HeldWork): Promise<void> {
    try {
      const watched = await Promise.allSettled(wanted.map(({ ref }) => this.parts.watch.watchKind(ref)));
      for (const each of watched) if (each.status === 'rejected') throw each.reason;
    } catch (error) {
      // the apply meets the same refusal, and reports it
      if (failureOf(error) === undefined) throw error;
    }
  }

  async #pause(held: HeldWork, run: Run): Promise<void> {
    const { timing, signal } = this.parts;
    const bounds = held.failure?.isPassing === true ? passingRetries : retries;
    await rest(timing, backoffMs(held.failures, bounds, timing.chance), AbortSignal.any([signal, run.hurry.signal]));
    run.hurry = new AbortController();
  }

  async #try(held: HeldWork, { left, drifted, unsure }: Due): Promise<boolean> {
    const { work, hands } = held;
    const { log } = this.parts;
    hands.isApplying = true;
    const fields = { work: work.id, component: work.component, generation: work.generation.toString() };
    try {
      for (const each of unsure) await this.#lookFor(held, each);
      const isWhole = left.length === 0 || (await this.#apply(held, left));
      for (const each of drifted) if (this.held.get(work.id) === held) await this.#mender.mend(held, each);
      held.failure = undefined;
      held.failures = 0;
      if (isWhole && left.length > 0) log.info({ ...fields, objects: left.length }, 'work applied');
      return true;
    } catch (error) {
      const failure = failureOf(error);
      if (failure === undefined) throw error;
      if (this.parts.signal.aborted) return false;
      this.#namespaces.delete(work.namespace);
      held.failure = failure;
      held.failures += 1;
      log.warn(
        { ...fields, reason: failure.reason, failures: held.failures },
        'work could not be applied; trying again',
      );
      return false;
    } finally {
      hands.isApplying = false;
      held.isTried = true;
      this.#lookAgain(held);
    }
  }

  /** Once more, when the watch should have shown what was applied; a newer generation may wait for the same. */
  #lookAgain({ work, applied }: HeldWork): void {
    const marks = [...applied.values()].filter(({ seen, overdue }) => !seen && overdue !== true);
    if (marks.length === 0) return;
    void rest(this.parts.timing, shownWithinMs, this.parts.signal).then((hasWaited) => {
      const awaited = marks.filter(({ seen }) => !seen);
      if (!hasWaited || awaited.length === 0) return;
      for (const mark of awaited) mark.overdue = true;
      this.due(work.id, { isNew: false });
    });
  }

  /** Answers false when a newer content came meanwhile. */
  async #apply(held: HeldWork, left: readonly WantedObject[]): Promise<boolean> {
    const { member, watch, signal } = this.parts;
    await this.#ensureNamespace(held);
    for (const wanted of left) {
      const { key, ref, digest } = wanted;
      if (this.held.get(held.work.id) !== held) return false;
      await watch.watchKind(ref);
      const isWhole = await this.turns.within(key, async () => {
        if (this.held.get(held.work.id) !== held || !this.hooks.mayApply()) return false;
        const observed = watch.objectsOf(held.work.id).find((object) => objectKey(object) === key);
        const bringing = this.#keeper.bring(held, wanted, observed);
        const { uid, adopted } = await this.#noteUnsure(held, wanted, bringing);
        held.applied.set(key, { ref, uid, digest, adopted, seen: false });
        return true;
      });
      if (!isWhole) return false;
      if (isDefinition(ref)) await member.established(ref.name, { signal, timeoutMs: applyTimeoutMs });
    }
    return true;
  }

  /** A write without an answer may have been done, or be done yet: until that is known, the object is not missing. */
  async #noteUnsure<T>({ hands }: Pick<HeldWork, 'hands'>, written: Unsure, writing: Promise<T>): Promise<T> {
    const key = objectKey(written.ref);
    try {
      const answer = await writing;
      hands.unsure.delete(key);
      return answer;
    } catch (error) {
      if (isAnswerLost(error)) hands.unsure.set(key, written);
      throw error;
    }
  }

  /** Finds out what became of a write without an answer, of something that is wanted no more. */
  async #lookFor(held: HeldWork, written: Unsure): Promise<void> {
    const { member, signal } = this.parts;
    const { ref, digest } = written;
    const key = objectKey(ref);
    await this.turns.within(key, async () => {
      const there = await member.lookAt(written, { signal, timeoutMs: applyTimeoutMs });
      held.hands.unsure.delete(key);
      if (there === undefined) return;
      if (there.managedBy !== berthLabels.managedByValue) return;
      if (isNamespace(ref)) held.hands.namespace = there;
      else if (there.workId === held.work.id)
        held.applied.set(key, { ref, uid: there.uid, digest, adopted: there.adopted, seen: false });
    });
  }

  /** Many works share one namespace: whoever comes first makes it, the others wait for that. */
  async #ensureNamespace({ work, hands }: HeldWork): Promise<void> {
    const name = work.namespace;
    const { member, watch, signal } = this.parts;
    const there = watch.objectsOf('').find((object) => isNamespace(object) && object.name === name);
    if (there !== undefined && !there.deleting) return;
    if (there?.deleting === true) this.#namespaces.delete(name);
    let making = this.#namespaces.get(name);
    if (making === undefined) {
      const labels = { [berthLabels.environment]: work.environment, ...namespaceLabels(work) };
      making = member.ensureNamespace(name, labels, { signal, timeoutMs: applyTimeoutMs });
      this.#namespaces.set(name, making);
    }
    const made = this.#noteUnsure({ hands }, namespaceOf(name), making);
    hands.namespace = await (work.policy.adoption === 'existing' ? made.catch(asFound) : made);
  }
}

const namespaceOf = (name: string): Unsure => ({
  ref: { apiVersion: 'v1', kind: 'Namespace', namespace: '', name },
  manifest: { apiVersion: 'v1', kind: 'Namespace', metadata: { name } },
  ...{ stamp: { labels: {}, annotations: {} }, digest: '' },
});

/** What is taken over lives in a namespace that was there before: it is used as it is, and stays when Berth goes. */
function asFound(error: unknown): undefined {
  if (!(error instanceof NamespaceNotOurs)) throw error;
}

/** What the broker says about the namespace, when it sends it along. */
function namespaceLabels(work: Work): Record<string, string> {
  const manifest = work.objects.find((object) => object.apiVersion === 'v1' && object.kind === 'Namespace');
  const metadata = manifest?.metadata;
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) return {};
  const { labels } = metadata;
  if (typeof labels !== 'object' || labels === null || Array.isArray(labels)) return {};
  return Object.fromEntries(
    Object.entries(labels).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}
