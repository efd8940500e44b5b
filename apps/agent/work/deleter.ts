import type { Millis, Slots, Tombstone, TombstoneReport } from '#domain';
import type { DeletionResult } from '#kube';
import { type AgentParts, backoffMs, rest } from '../seams.js';
import { failureOf } from './failure.js';
import type { HeldWorks } from './held-works.js';
import { objectKey } from './plan.js';
import type { Turns } from './turns.js';

const retries = { firstMs: 200, longestMs: 5_000 };
const deleteTimeoutMs = 30_000;
/** What a namespace still holds may be on its way out: pods have a grace period. */
const foreignPatienceMs: Millis = 10_000;

/**
 * Carries out tombstones. Nothing else deletes anything, but for what a component's policy has replaced: by its uid, and to
 * be made again at once (`ObjectKeeper`).
 */
export class Deleter {
  readonly #underWay = new Set<string>();

  constructor(
    private readonly parts: AgentParts,
    private readonly held: HeldWorks,
    private readonly slots: Slots,
    private readonly turns: Turns,
    private readonly hooks: {
      onOutcome(report: TombstoneReport): void;
      /** An object of this work is its former owner's again. */
      onLetGo(workId: string): void;
      onDefect(error: unknown): void;
    },
  ) {}

  take(tombstone: Tombstone): void {
    if (this.#underWay.has(tombstone.id)) return;
    this.#underWay.add(tombstone.id);
    void this.#carryOut(tombstone)
      .catch((error: unknown) => {
        if (!this.parts.signal.aborted) this.hooks.onDefect(error);
      })
      .finally(() => this.#underWay.delete(tombstone.id));
  }

  /** Until the object is seen to be gone, or the order turns out to be moot. */
  async #carryOut(tombstone: Tombstone): Promise<void> {
    const { timing, signal, log } = this.parts;
    const { id: tombstoneId, object, uid } = tombstone;
    const workId = this.#workOf(uid);
    let wasDeleting = false;
    // not by the clock, which may be set anew meanwhile
    let waitedMs = 0;
    for (let tries = 1; !signal.aborted; tries++) {
      const attempt = () => this.#try(tombstone, wasDeleting);
      const result = await this.slots.within(() => this.turns.within(objectKey(object), attempt));
      wasDeleting ||= result?.outcome === 'deleting';
      const report = result === undefined ? undefined : this.#reportOf(tombstoneId, result, { wasDeleting, waitedMs });
      if (report !== undefined) {
        const { apiVersion, kind, namespace, name } = object;
        log.info(
          { tombstone: tombstoneId, apiVersion, kind, namespace, name, uid, outcome: report.outcome },
          'tombstone carried out',
        );
        this.held.buried(uid);
        if (report.outcome === 'let-go' && workId !== undefined) this.hooks.onLetGo(workId);
        return this.hooks.onOutcome(report);
      }
      const pauseMs = backoffMs(tries, retries, timing.chance);
      await rest(timing, pauseMs, signal);
      waitedMs += pauseMs;
    }
  }

  #workOf(uid: string): string | undefined {
    const { watch } = this.parts;
    return watch.works().find((workId) => watch.objectsOf(workId).some((object) => object.uid === uid));
  }

  /** Undefined when the member could not say. What is on its way out goes, whoever wants its name by now. */
  async #try(tombstone: Tombstone, wasDeleting: boolean): Promise<DeletionResult | undefined> {
    const { member, signal, log } = this.parts;
    const { object, uid, mode } = tombstone;
    if (!wasDeleting && this.held.isWanted(object))
      return { outcome: 'replaced', left: [], message: 'a work of this cluster wants it' };
    try {
      const bounds = { signal, timeoutMs: deleteTimeoutMs };
      return await (mode === 'let-go'
        ? member.letGo({ ...object, uid }, bounds)
        : member.deleteObject({ ...object, uid }, bounds));
    } catch (error) {
      const failure = failureOf(error);
      if (failure === undefined) throw error;
      log.warn({ tombstone: tombstone.id, reason: failure.reason }, 'tombstone could not be carried out; trying again');
      return undefined;
    }
  }

  #reportOf(
    tombstoneId: string,
    { outcome, message }: DeletionResult,
    { wasDeleting, waitedMs }: { wasDeleting: boolean; waitedMs: Millis },
  ): TombstoneReport | undefined {
    if (outcome === 'deleting') return undefined;
    if (outcome === 'foreign-left' && waitedMs < foreignPatienceMs) return undefined;
    const isOurs = wasDeleting && (outcome === 'absent' || outcome === 'replaced');
    return { tombstoneId, outcome: isOurs ? 'deleted' : outcome, message };
  }
}
