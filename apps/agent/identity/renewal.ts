import { line } from '#contract';
import type { Instant, Millis } from '#domain';
import type { Timing } from '#kube';
import { createRpcClient } from '#platform/light';
import { type AgentLog, rest } from '../seams.js';
import { tlsOf } from './enrolment.js';
import { type AgentIdentity, type IdentityKeeper, newKey, validityOf } from './identity.js';

const timeoutMs: Millis = 15_000;
const longestPauseMs: Millis = 3_600_000;

/** The identity that is in use, renewed when two thirds of its certificate's life have passed. */
export class LivingIdentity {
  #current: AgentIdentity;
  #renewAt: Instant;

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
    const { from, until } = validityOf(initial);
    this.#renewAt = from + ((until - from) * 2) / 3;
  }

  /** What the next connection uses; a stream that is open goes on with what it was opened with. */
  get current(): AgentIdentity {
    return this.#current;
  }

  async keepFresh(): Promise<void> {
    const { timing, signal, log } = this.options;
    while (!signal.aborted) {
      const left = this.#renewAt - timing.clock.now();
      if (left > 0) {
        if (!(await rest(timing, Math.min(longestPauseMs, left), signal))) return;
        continue;
      }
      try {
        await this.#renew();
      } catch (err) {
        const { until } = validityOf(this.#current);
        log.warn({ err, until: new Date(until).toISOString() }, 'the certificate could not be renewed; trying again');
        // soon, as long as some of the last third is left, and then no less often
        const pauseMs = Math.max(1_000, Math.min(600_000, (until - timing.clock.now()) / 20));
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
      const now = this.options.timing.clock.now();
      this.#renewAt = now + ((validityOf(identity).until - now) * 2) / 3;
      log.info({ until: new Date(validityOf(identity).until).toISOString() }, 'certificate renewed');
    } finally {
      client.close();
    }
  }
}
