import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { create, fromJson } from '@bufbuild/protobuf';
import { Inject } from '@nestjs/common';
import { line } from '#contract';
import { InvalidRequest, NotFound, Unauthenticated } from '#domain';
import { type BidiStream, type FramePipe, joinPipes, type RpcCall, type RpcHandlers, RpcService } from '#platform';
import { type RedeemedTicket, redeemTicket, type Store } from '#store';
import type { HubConfig } from '../config.js';
import type { AgentLine } from '../line/agent-line.js';
import { Lines } from '../line/lines.js';
import { pause } from '../line/periodic.js';
import { type HubLog, hubParts } from '../parts.js';
import { agentOf, type HubPrincipal, hubActor } from '../principal.js';
import { type Meeting, Meetings } from './meeting.js';
import { AgentNotConnected, AgentTooOld } from './refusals.js';
import { readTicket } from './ticket.js';

type RelayStream = BidiStream<typeof line.RelayRequestSchema, typeof line.RelayResponseSchema>;
type AttachStream = BidiStream<typeof line.AttachRequestSchema, typeof line.AttachResponseSchema>;
interface Incoming {
  message: { case: 'frame'; value: line.TunnelFrame } | { case: string | undefined; value?: unknown };
}

const firstMessageMs = 10_000;

/** Joins gateways that have a ticket with the agents that they ask for. What passes is neither read nor kept. */
@RpcService(line.TunnelService)
export class TunnelController implements RpcHandlers<typeof line.TunnelService, HubPrincipal> {
  readonly #meetings = new Meetings();

  constructor(
    @Inject(hubParts.store) private readonly store: Store,
    @Inject(hubParts.config) private readonly config: HubConfig,
    @Inject(hubParts.log) private readonly log: HubLog,
    @Inject(Lines) private readonly lines: Lines,
  ) {}

  async relay(stream: RelayStream, call: RpcCall<HubPrincipal>): Promise<void> {
    const incoming = stream[Symbol.asyncIterator]();
    const ticket = await this.redeem(await promptly(incoming, call.signal));
    const { cluster } = ticket;
    const agentLine = this.lines.of(cluster);
    if (agentLine === undefined) throw new AgentNotConnected(cluster);
    const meeting = this.#meetings.open(randomUUID(), cluster);
    const { tunnel } = meeting;
    try {
      const agent = await this.summon(agentLine, meeting, ticket, call.signal);
      this.log.info({ cluster, tunnel, actor: ticket.actor }, 'tunnel opened');
      const gateway = { write: (frame: line.TunnelFrame) => stream.write({ frame }), frames: framesOf(incoming) };
      await whileLineLives(agentLine, joinPipes(gateway, agent));
    } finally {
      this.#meetings.close(meeting);
      this.log.info({ cluster, tunnel }, 'tunnel closed');
    }
  }

  async attach(stream: AttachStream, call: RpcCall<HubPrincipal>): Promise<void> {
    const { cluster } = agentOf(call.principal);
    const incoming = stream[Symbol.asyncIterator]();
    const first = await promptly(incoming, call.signal);
    const message = first.done === true ? undefined : first.value.message;
    if (message?.case !== 'tunnel')
      throw new InvalidRequest([{ field: 'message', description: 'allowed is tunnel, first' }]);
    const meeting = this.#meetings.join(message.value, cluster);
    if (meeting === undefined) throw new NotFound({ kind: 'tunnel', name: message.value.slice(0, 64) });
    meeting.arrive({ write: (frame) => stream.write({ frame }), frames: framesOf(incoming) });
    await meeting.over;
  }

  private async redeem(first: IteratorResult<line.RelayRequest>): Promise<RedeemedTicket> {
    const message = first.done === true ? undefined : first.value.message;
    const ticket = message?.case === 'ticket' ? readTicket(message.value) : undefined;
    const redeemed =
      ticket === undefined ? undefined : await this.store.unitOfWork.run(hubActor, (tx) => redeemTicket(tx, ticket));
    if (redeemed === undefined)
      throw new Unauthenticated('TICKET_INVALID', 'the first message has to be a ticket that is in force');
    return redeemed;
  }

  /** Calls the agent over its line; it comes over a connection of its own. */
  private async summon(
    agentLine: AgentLine,
    { tunnel, agent }: Meeting,
    { cluster, order }: RedeemedTicket,
    signal: AbortSignal,
  ): Promise<FramePipe> {
    const value = create(line.TunnelOpenSchema, { tunnel, order: fromJson(line.TunnelOrderSchema, order) });
    await agentLine.write({ case: 'tunnelOpen', value });
    const settled = new AbortController();
    const within = AbortSignal.any([signal, agentLine.signal, settled.signal]);
    const late = pause(this.config.attachWithinMs, within).then((): never => {
      if (agentLine.signal.aborted) throw new AgentNotConnected(cluster);
      throw new AgentTooOld(cluster, this.config.attachWithinMs);
    });
    try {
      return await Promise.race([agent, late]);
    } finally {
      void late.catch(() => undefined); // lost the race
      settled.abort();
    }
  }
}

/** The first message; who opens a stream and says nothing is not waited for. */
async function promptly<T>(incoming: AsyncIterator<T>, signal: AbortSignal): Promise<IteratorResult<T>> {
  const settled = new AbortController();
  const silence = pause(firstMessageMs, AbortSignal.any([signal, settled.signal])).then((): never => {
    throw new InvalidRequest([{ field: 'message', description: `found none within ${firstMessageMs} ms` }]);
  });
  try {
    return await Promise.race([incoming.next(), silence]);
  } finally {
    void silence.catch(() => undefined); // lost the race
    settled.abort();
  }
}

/** A line that ends takes its tunnels with it: a revoked or superseded agent is heard no more. */
async function whileLineLives({ signal, facts }: AgentLine, tunnel: Promise<void>): Promise<void> {
  setMaxListeners(0, signal); // one for each tunnel
  let lose = () => {};
  const lost = new Promise<never>((_, reject) => {
    lose = () => reject(new AgentNotConnected(facts.cluster));
  });
  signal.addEventListener('abort', lose, { once: true });
  if (signal.aborted) lose();
  try {
    await Promise.race([tunnel, lost]);
  } finally {
    signal.removeEventListener('abort', lose);
  }
}

async function* framesOf(incoming: AsyncIterator<Incoming>): AsyncGenerator<line.TunnelFrame, void, undefined> {
  for (;;) {
    const next = await incoming.next();
    if (next.done === true) return;
    const { message } = next.value;
    if (!isFrame(message)) throw new InvalidRequest([{ field: 'message', description: 'allowed is frame' }]);
    yield message.value;
  }
}

const isFrame = (message: Incoming['message']): message is Extract<Incoming['message'], { value: line.TunnelFrame }> =>
  message.case === 'frame';
