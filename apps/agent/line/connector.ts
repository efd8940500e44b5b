import { line } from '#contract';
import type { Millis } from '#domain';
import { type ClientTls, createRpcClient, openChannel, type RpcChannel, RpcError } from '#platform/light';
import type { Agent } from '../agent.js';
import { NotEnrolled, tlsOf } from '../identity/enrolment.js';
import { type AgentIdentity, validityOf } from '../identity/identity.js';
import { type AgentParts, backoffMs, lostLine, rest } from '../seams.js';
import type { AttachStream, TunnelDesk } from '../tunnels/desk.js';
import { Displacements } from './displacement.js';
import { Session, type SessionEnd, type Stream, type Tunnels } from './session.js';

/** Where coming back soon helps nobody: another agent took over, or an operator has to act. */
const patient = { firstMs: 5_000, longestMs: 60_000 };

const soonAfter: ReadonlySet<line.GoodbyeReason> = new Set([
  line.GoodbyeReason.SHUTDOWN,
  line.GoodbyeReason.CERTIFICATE_EXPIRED, // by now there may be a new one
]);

type Outcome = { kind: 'ended'; end: SessionEnd } | { kind: 'failed'; error: RpcError; wasWelcomed: boolean };

/** TLS alone drops a certificate that has run out: to the hub it is as if none had been shown. */
const notInForce: ReadonlySet<string> = new Set(['CERTIFICATE_EXPIRED', 'CERTIFICATE_REQUIRED']);

/** The agent's own clock tells whether a new certificate is needed or a clock is wrong. */
const expired = ({ cluster, certificate }: AgentIdentity) =>
  `the certificate of cluster "${cluster}" ran out at ${new Date(validityOf({ certificate }).until).toISOString()}: a new enrolment token is needed (BERTH_TOKEN, --token); "berth cluster token ${cluster}" makes one`;

const revoked = (cluster: string) =>
  `the certificate of cluster "${cluster}" was revoked: a new enrolment token is needed (BERTH_TOKEN, --token); "berth cluster token ${cluster}" makes one`;

/** Opens a stream to the hub; `attach`, where there are tunnels, the end of one. */
export type Dial = (identity: AgentIdentity) => { stream: Stream; attach?: () => AttachStream; close(): void };

/**
 * Tunnels have a connection of their own, made with the first: nothing in them is ever ahead of a heartbeat. The line
 * outlives the certificate that it was opened with; a tunnel is a new call, and shows the present one.
 */
export const grpcDial = (hub: string, living: { readonly current: AgentIdentity }): Dial => {
  let last: { shown: AgentIdentity; tls: ClientTls } | undefined;
  /** The same object for the same identity, whose key and certificates are then read once, however often it is tried. */
  const tlsFor = (shown: AgentIdentity): ClientTls => {
    if (last?.shown !== shown) last = { shown, tls: tlsOf(shown) };
    return last.tls;
  };
  return (identity) => {
    const settings = (shown: AgentIdentity) => ({ address: hub, tls: tlsFor(shown), ownConnection: true });
    const client = createRpcClient(line.AgentService, settings(identity));
    let tunnels: { channel: RpcChannel; shown: AgentIdentity } | undefined;
    return {
      stream: client.rpc.connect(),
      attach: () => {
        const shown = living.current;
        if (tunnels?.shown !== shown) {
          tunnels?.channel.close(); // those that are open in it go on to their end
          tunnels = { channel: openChannel(settings(shown)), shown };
        }
        return tunnels.channel.client(line.TunnelService).attach();
      },
      close: () => {
        client.close();
        tunnels?.channel.close();
      },
    };
  };
};

/** Keeps a stream to the hub, until the agent ends. */
export class Connector {
  readonly #displacements = new Displacements();
  /** Another agent took the line: it is not taken back, but waited for. */
  #standsBy = false;

  constructor(
    private readonly agent: Agent,
    private readonly parts: AgentParts,
    private readonly dial: Dial,
    private readonly identity: { readonly current: AgentIdentity },
    private readonly tunnels?: TunnelDesk,
  ) {}

  async run(): Promise<void> {
    const { signal, timing } = this.parts;
    let failures = 0;
    while (!signal.aborted) {
      const began = timing.clock.now();
      const outcome = await this.#converse();
      if (signal.aborted) return;
      const wasWelcomed = outcome.kind === 'ended' ? outcome.end.wasWelcomed : outcome.wasWelcomed;
      const wasSuperseded = outcome.kind === 'ended' && outcome.end.goodbye?.reason === line.GoodbyeReason.SUPERSEDED;
      const displaced = this.#displacements.ended({ began, ended: timing.clock.now(), wasSuperseded });
      if (wasSuperseded || wasWelcomed) this.#standsBy = wasSuperseded;
      // where it can stand by, it takes nothing from anybody and need not wait for long before
      const holdsStandby = outcome.kind === 'ended' && outcome.end.holdsStandby;
      failures = wasWelcomed ? Math.max(1, holdsStandby ? 1 : displaced) : failures + 1;
      await rest(timing, this.#pauseAfter(outcome, failures), signal);
    }
  }

  async #converse(): Promise<Outcome> {
    const identity = this.identity.current;
    const call = this.dial(identity);
    const session = new Session(this.agent, this.parts, call.stream, identity, {
      tunnels: this.#tunnelsOf(call),
      standsBy: this.#standsBy,
    });
    try {
      return { kind: 'ended', end: await session.run() };
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      this.#giveUpOn(error.details.errorInfo?.reason, identity);
      return { kind: 'failed', error, wasWelcomed: session.wasWelcomed };
    } finally {
      call.close();
    }
  }

  /** @throws NotEnrolled where nothing but a new enrolment helps. */
  #giveUpOn(reason: string | undefined, identity: AgentIdentity): void {
    if (reason === 'CERTIFICATE_REVOKED') throw new NotEnrolled(revoked(identity.cluster));
    if (reason === undefined || !notInForce.has(reason)) return;
    const { until } = validityOf(identity);
    const now = this.parts.timing.clock.now();
    if (now >= until) throw new NotEnrolled(expired(identity));
    this.parts.log.error(
      { until: new Date(until).toISOString(), now: new Date(now).toISOString() },
      'the hub does not take the certificate, which is in force by this clock: is one of the clocks wrong, or another hub called?',
    );
  }

  #tunnelsOf({ attach }: ReturnType<Dial>): Tunnels | undefined {
    const { tunnels } = this;
    return tunnels === undefined || attach === undefined ? undefined : (over) => tunnels.during(over, attach);
  }

  #pauseAfter(outcome: Outcome, failures: number): Millis {
    const { log, timing } = this.parts;
    if (outcome.kind === 'failed') {
      const { code, message, details } = outcome.error;
      const isRefused = code === 'UNAUTHENTICATED' || code === 'INVALID_ARGUMENT';
      const pauseMs = backoffMs(failures, isRefused ? patient : lostLine, timing.chance);
      log.warn(
        { code, reason: details.errorInfo?.reason, message, retryInMs: Math.round(pauseMs) },
        'the line to the hub failed',
      );
      return pauseMs;
    }
    const reason = outcome.end.goodbye?.reason;
    const isSoon = reason === undefined || soonAfter.has(reason);
    const pauseMs = backoffMs(failures, isSoon ? lostLine : patient, timing.chance);
    const said = reason === undefined ? 'nothing' : line.GoodbyeReason[reason];
    const fields = { said, message: outcome.end.goodbye?.message, retryInMs: Math.round(pauseMs) };
    if (isSoon) log.info(fields, 'the hub ended the line');
    else if (reason === line.GoodbyeReason.SUPERSEDED)
      log.error(
        { ...fields, displaced: failures },
        'another agent of this cluster took the line: unless this one is being replaced, run only one agent for the cluster',
      );
    else log.error(fields, 'the hub ended the line');
    return pauseMs;
  }
}
