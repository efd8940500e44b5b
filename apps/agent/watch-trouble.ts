import type { Clock, Instant, Millis } from '#domain';
import { KubeError, type WatchTrouble } from '#kube';
import type { AgentLog } from './seams.js';

/** Between two lines about one outage, and between two outages that follow each other. */
const lineEveryMs: Millis = 60_000;

/** One subject that cannot be watched, from the first failure until every kind of it is watched again. */
interface Outage {
  since: Instant;
  kinds: Set<string>;
  isTold: boolean;
}

/**
 * What the log says of watches that fail. A member's server that is away is one fact, not one for each kind and try: a line
 * when it goes, one a minute while it lasts, one when it is back. A kind that fails for reasons of its own has its own
 * lines. Each failure is told at debug level.
 */
export class WatchTroubles {
  readonly #outages = new Map<string, Outage>();
  readonly #lastLines = new Map<string, Instant>();

  constructor(
    private readonly log: AgentLog,
    private readonly clock: Clock,
  ) {}

  failed(trouble: WatchTrouble): void {
    const { kind, server, error, retryInMs } = trouble;
    this.log.debug({ server, kind, err: error, retryInMs }, 'a watch broke; trying again');
    const subject = subjectOf(trouble);
    this.#watched(kind, subject);
    if (subject === undefined) return;
    const now = this.clock.now();
    const outage = this.#outages.get(subject) ?? { since: now, kinds: new Set(), isTold: false };
    this.#outages.set(subject, outage);
    outage.kinds.add(kind);
    if (now - (this.#lastLines.get(subject) ?? Number.NEGATIVE_INFINITY) < lineEveryMs) return;
    this.#lastLines.set(subject, now);
    const facts = { server, kinds: [...outage.kinds].sort(), err: error };
    if (outage.isTold) this.log.warn({ ...facts, forMs: now - outage.since }, `${subject} still cannot be watched`);
    else this.log.warn(facts, `${subject} cannot be watched; trying again`);
    outage.isTold = true;
  }

  recovered(kind: string): void {
    this.#watched(kind, undefined);
  }

  /** It is heard of again, or fails for another reason. */
  #watched(kind: string, but: string | undefined): void {
    for (const [subject, outage] of this.#outages) {
      if (subject === but || !outage.kinds.delete(kind) || outage.kinds.size > 0) continue;
      this.#outages.delete(subject);
      if (outage.isTold) this.log.info({ afterMs: this.clock.now() - outage.since }, `${subject} is watched again`);
    }
  }
}

/** Undefined for what is no trouble: a place in the stream that has expired is common, and another one is taken at once. */
function subjectOf({ kind, error }: WatchTrouble): string | undefined {
  if (!(error instanceof KubeError)) return kind;
  if (error.tag === 'expired') return undefined;
  return error.passing || error.tag === 'credentials-refused' ? "the member's API server" : kind;
}
