import { line } from '#contract';
import type { Millis } from '#domain';
import type { Timing } from '#kube';
import { createRpcClient } from '#platform';
import { type AgentLog, rest } from '../seams.js';
import { tlsOf } from './enrolment.js';
import { type AgentIdentity, type IdentityKeeper, newKey, validityOf } from './identity.js';

const timeoutMs: Millis = 15_000;
const longestPauseMs: Millis = 3_600_000;

/** The identity that is in use, renewed when two thirds of its certificate's life have passed. */
export class LivingIdentity {
  #current: AgentIdentity;

  constructor(
    initial: AgentIdentity,
    private readonly options: {
      hub: string;
      keeper: IdentityKeeper;
      timing: Timing;
      log: AgentLog;
      signal: AbortSignal;
    },
  ) {
    this.#current = initial;
  }

  /** What the next connection uses; a stream that is open goes on with what it was opened with. */
  get current(): AgentIdentity {
    return this.#current;
  }

  replace(identity: AgentIdentity): void {
    this.#current = identity;
  }

  async keepFresh(): Promise<void> {
    const { timing, signal, log } = this.options;
    while (!signal.aborted) {
      const { from, until } = validityOf(this.#current);
      const left = from + ((until - from) * 2) / 3 - timing.clock.now();
      // tried again soon after a failure, with a third of the life still ahead
      const pauseMs = left > 0 ? Math.min(longestPauseMs, left) : Math.max(1_000, (until - from) / 60);
      if (left > 0) {
        if (!(await rest(timing, pauseMs, signal))) return;
        continue;
      }
      try {
        await this.#renew();
      } catch (err) {
        log.warn({ err, until: new Date(until).toISOString() }, 'the certificate could not be renewed; trying again');
        await rest(timing, pauseMs, signal);
      }
    }
  }

  async #renew(): Promise<void> {
    const { hub, keeper, log } = this.options;
    const before = this.#current;
    const { privateKey, request } = await newKey();
    const client = createRpcClient(line.AgentService, { address: hub, tls: tlsOf(before), ownConnection: true });
    try {
      const answer = await client.rpc.renewCertificate(
        { certificateSigningRequest: request },
        { deadlineMs: timeoutMs },
      );
      const identity = { ...before, privateKey, certificate: answer.certificateChain };
      await keeper.save(identity);
      this.#current = identity;
      log.info({ until: new Date(validityOf(identity).until).toISOString() }, 'certificate renewed');
    } finally {
      client.close();
    }
  }
}
