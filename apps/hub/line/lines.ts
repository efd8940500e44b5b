import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { line } from '#contract';
import type { ClusterId } from '#domain';
import type { AgentStore } from '#store';
import { hubParts } from '../parts.js';
import type { AgentLine } from './agent-line.js';

const goodbyes = {
  SUPERSEDED: 'a newer stream of this cluster was accepted',
  REVOKED: 'the certificate was revoked, or the cluster removed',
  SHUTDOWN: 'the hub shuts down; connect again',
  CERTIFICATE_EXPIRED: 'the certificate has expired, and none has renewed it',
} as const;

/** A hub's last word on a stream. */
export const goodbye = (reason: keyof typeof goodbyes) => ({
  reason: line.GoodbyeReason[reason],
  message: goodbyes[reason],
});

/** The streams of this hub, one per cluster. */
@Injectable()
export class Lines implements OnModuleDestroy {
  readonly #open = new Map<ClusterId, AgentLine>();
  readonly #served = new Set<Promise<void>>();
  readonly #closing = new AbortController();
  /** That agents are asked for; none at first, as with an agent that comes. */
  #labelKeys: readonly string[] = [];

  constructor(@Inject(hubParts.agents) private readonly store: AgentStore) {}

  /** Aborts when the hub begins to shut down. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** Takes the place of an older stream of the same cluster. */
  add(own: AgentLine): void {
    const before = this.#open.get(own.facts.cluster);
    const isOlder = before !== undefined && before.facts.epoch > own.facts.epoch;
    if (!isOlder) this.#open.set(own.facts.cluster, own);
    const ended = isOlder ? own : before;
    if (ended !== undefined) this.part(ended, 'SUPERSEDED');
    if (this.closing.aborted) this.part(own, 'SHUTDOWN');
    if (this.#labelKeys.length > 0) own.askForLabels(this.#labelKeys);
  }

  /** Asks every agent, and each that comes, to tell its nodes apart by these labels. */
  tellLabelKeys(keys: readonly string[]): void {
    if (keys.join('\n') === this.#labelKeys.join('\n')) return;
    this.#labelKeys = keys;
    for (const each of this.#open.values()) each.askForLabels(keys);
  }

  of(cluster: ClusterId): AgentLine | undefined {
    return this.#open.get(cluster);
  }

  remove(own: AgentLine): void {
    if (this.#open.get(own.facts.cluster) === own) this.#open.delete(own.facts.cluster);
  }

  /** Keeps an eye on a stream's handler, so that a shutdown waits for its last word. */
  serve(handler: Promise<void>): Promise<void> {
    const settled = handler.then(
      () => undefined,
      () => undefined, // the caller gets the failure from `handler` itself
    );
    this.#served.add(settled);
    void settled.then(() => this.#served.delete(settled));
    return handler;
  }

  part(ended: AgentLine, reason: keyof typeof goodbyes): void {
    ended.end({ kind: 'goodbye', ...goodbye(reason) });
  }

  /** There are works for it; up to this sequence, when it is known. */
  wake(cluster: ClusterId, upTo?: bigint): void {
    const open = this.#open.get(cluster);
    if (open !== undefined && (upTo === undefined || upTo > open.sent)) open.wake();
  }

  /** What lost wake-ups would have said, of all lines or some: newer works, a newer epoch, a revocation; and an expiry. */
  async check(only?: ReadonlySet<ClusterId>): Promise<void> {
    const lines = [...this.#open.values()].filter((each) => only?.has(each.facts.cluster) ?? true);
    if (lines.length === 0) return;
    const asked = lines.map(({ facts }) => ({ cluster: facts.cluster, serial: facts.serial }));
    const standings = await this.store.lineStandings(asked);
    const byCluster = new Map(standings.map((standing) => [standing.cluster, standing]));
    for (const each of lines) {
      const standing = byCluster.get(each.facts.cluster);
      if (standing === undefined) continue;
      if (standing.revoked || standing.epoch === undefined) this.part(each, 'REVOKED');
      else if (standing.expired) this.part(each, 'CERTIFICATE_EXPIRED');
      else if (standing.epoch > each.facts.epoch) this.part(each, 'SUPERSEDED');
      else if (standing.head > each.sent) each.wake();
    }
  }

  async onModuleDestroy(): Promise<void> {
    this.#closing.abort();
    for (const each of this.#open.values()) this.part(each, 'SHUTDOWN');
    await Promise.all(this.#served);
  }
}
