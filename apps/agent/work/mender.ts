import type { Instant, Millis } from '#domain';
import { type LiveObject, type LostValue, PreconditionConflict, withoutFields } from '#kube';
import { type AgentParts, rest } from '../seams.js';
import { conflictsOf, type DriftDecision, decide, driftsOf, parted } from './drift.js';
import type { Drifted, HeldWork } from './held-works.js';
import { type ObjectKeeper, orderedOf } from './object-keeper.js';

const callTimeoutMs = 30_000;
/** What was put back is told for so long. */
const toldForMs: Millis = 10 * 60_000;

/** An object as it was found: the fields that somebody has changed, and those of others that are not touched. */
interface Look {
  live: LiveObject;
  free: readonly LostValue[];
  left: readonly LostValue[];
}

/** Deals with fields that somebody has changed: one look at the object, then as the work's policy says. */
export class Mender {
  constructor(
    private readonly parts: AgentParts,
    private readonly keeper: ObjectKeeper,
    private readonly hooks: { onChange(workId: string): void; onDue(workId: string): void },
  ) {}

  async mend(held: HeldWork, { wanted, observed }: Drifted): Promise<void> {
    const { member, timing, signal } = this.parts;
    const live = await member.lookAt(wanted, { signal, timeoutMs: callTimeoutMs });
    if (live === undefined || live.uid !== observed.uid) return; // the watch is about to tell
    if (wanted.isAutoscaled && live.hasReplicas) return this.#handOver(held, { wanted, observed }, live);
    if (live.lost.length === 0) return held.notes.note(wanted.key, observed, { ...nothing, outcome: 'put-back' });
    const now = timing.clock.now();
    const { key } = wanted;
    const policy = held.work.policy.drift;
    const { free, left } = policy === 'repair' ? parted(live.lost) : { free: live.lost, left: [] };
    const decision = decide(policy, { key, lost: free }, held.hands.repairs, now);
    await this.#carryOut(held, { wanted, observed }, { live, free, left }, decision);
    this.hooks.onChange(held.work.id);
  }

  async #carryOut(held: HeldWork, drifted: Drifted, look: Look, decision: DriftDecision): Promise<void> {
    const { wanted, observed } = drifted;
    const { live, free, left } = look;
    const found = { drifts: driftsOf(wanted.ref, free), conflicts: conflictsOf(wanted.ref, live.lost) };
    switch (decision.kind) {
      case 'tell':
        return held.notes.note(wanted.key, observed, { ...found, outcome: 'reported' });
      case 'conflict':
        return held.notes.note(wanted.key, observed, { ...found, outcome: 'conflict' });
      case 'fought-over':
        held.notes.note(wanted.key, observed, { ...found, outcome: 'fought-over', notBefore: decision.until });
        return this.#later(decision.until, () => this.hooks.onDue(held.work.id));
      case 'leave':
        await this.keeper.yield(held, wanted, live, live.lost);
        return held.notes.note(wanted.key, observed, { ...nothing, outcome: 'put-back' });
      case 'put-back':
        // what is left is looked at again, by itself, once the watch shows the rest as ordered
        held.notes.note(wanted.key, observed, { ...found, drifts: [], outcome: 'put-back' });
        held.notes.putBack(wanted.key, found.drifts, this.parts.timing.clock.now() + toldForMs);
        this.hooks.onChange(held.work.id);
        return this.#putBack(held, drifted, { live, free, left });
    }
  }

  /** What is left out Berth has lost already: an apply without it resets nothing. */
  async #putBack(held: HeldWork, { wanted }: Drifted, { live, free, left }: Look): Promise<void> {
    const { member, timing, signal, log } = this.parts;
    const { uid, resourceVersion } = live;
    const { manifest, stamp } = orderedOf(wanted, live);
    const most = withoutFields(
      manifest,
      left.map(({ segments }) => segments),
    );
    const expect = { uid, resourceVersion };
    try {
      await member.applyObject(most, stamp, { signal, timeoutMs: callTimeoutMs, force: true, expect });
    } catch (error) {
      // somebody wrote in between: the watch shows it, and then it is looked at again
      if (error instanceof PreconditionConflict) return;
      held.notes.notPutBack(wanted.key, driftsOf(wanted.ref, free));
      throw error;
    }
    const { kind, namespace, name } = wanted.ref;
    for (const { path, found, manager } of driftsOf(wanted.ref, free)) {
      log.info({ work: held.work.id, kind, namespace, name, path, manager }, 'field put back as ordered');
      const was = found === '' ? 'removed' : `set to ${found}`;
      const message = `${path} was ${was}${manager === '' ? '' : ` by ${manager}`}, and is as ordered again`;
      held.notes.event({ ...wanted.ref }, 'DriftRepaired', message, timing.clock.now());
    }
    this.#later(timing.clock.now() + toldForMs, () => {
      held.notes.fade(timing.clock.now());
      this.hooks.onChange(held.work.id);
    });
  }

  async #handOver(held: HeldWork, { wanted, observed }: Drifted, live: LiveObject): Promise<void> {
    const { member, signal } = this.parts;
    await this.keeper.handOver(wanted, live);
    const { manifest, stamp } = orderedOf(wanted, live);
    await member.applyObject(manifest, stamp, { signal, timeoutMs: callTimeoutMs, expect: { uid: live.uid } });
    held.notes.note(wanted.key, observed, { ...nothing, outcome: 'put-back' });
  }

  #later(at: Instant, act: () => void): void {
    const { timing, signal } = this.parts;
    void rest(timing, Math.max(0, at - timing.clock.now()), signal).then((isRested) => {
      if (isRested) act();
    });
  }
}

const nothing = { drifts: [], conflicts: [] } as const;
