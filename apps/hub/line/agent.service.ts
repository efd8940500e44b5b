import { durationFromMs, timestampFromMs } from '@bufbuild/protobuf/wkt';
import { Inject } from '@nestjs/common';
import { line } from '#contract';
import { type ClusterId, type Incarnation, InvalidRequest, PreconditionFailed, Unauthenticated } from '#domain';
import { type RpcCall, type RpcHandlers, RpcService } from '#platform';
import type { AgentStore, LineGrant } from '#store';
import type { Authority } from '../authority/authority.js';
import type { HubConfig } from '../config.js';
import { type HubLog, type HubSeams, hubParts } from '../parts.js';
import { type AgentPrincipal, agentOf, type HubPrincipal } from '../principal.js';
import { OwnAddress } from '../tunnels/own-address.js';
import { AgentLine, type AgentStream } from './agent-line.js';
import { hostNameOf, instanceIdOf } from './hello.js';
import { Lines } from './lines.js';
import { Reception } from './reception.js';
import { Standby } from './standby.js';

const pageItems = 200;
const pageBytes = 1024 * 1024;
/** How long an agent that does not read is waited for when the hub says goodbye. */
const goodbyeMs = 1_000;
/** How long an agent may take to say hello. */
const helloMs = 10_000;

type Granted = Extract<LineGrant, { kind: 'granted' }>;

/** The hub's end of the line. */
@RpcService(line.AgentService)
export class AgentLineController implements RpcHandlers<typeof line.AgentService, HubPrincipal> {
  private readonly standby: Standby;

  constructor(
    @Inject(hubParts.agents) private readonly store: AgentStore,
    @Inject(hubParts.authority) private readonly authority: Pick<Authority, 'issueForAgent' | 'certificate'>,
    @Inject(hubParts.incarnation) private readonly incarnation: Incarnation,
    @Inject(hubParts.config) private readonly config: HubConfig,
    @Inject(hubParts.seams) private readonly seams: HubSeams,
    @Inject(hubParts.log) private readonly log: HubLog,
    @Inject(Lines) private readonly lines: Lines,
    @Inject(Reception) private readonly reception: Reception,
    @Inject(OwnAddress) private readonly address: { readonly value: string },
  ) {
    this.standby = new Standby(store, config, seams, lines, log);
  }

  connect(stream: AgentStream, call: RpcCall<HubPrincipal>): Promise<void> {
    return this.lines.serve(this.converse(stream, agentOf(call.principal), call.signal));
  }

  async renewCertificate(request: line.RenewCertificateRequest, call: RpcCall<HubPrincipal>) {
    const { cluster, serial: former } = agentOf(call.principal);
    const issued = await this.authority.issueForAgent(request.certificateSigningRequest, cluster);
    const renewed = { serial: issued.serial, cluster, expiresAt: issued.expiresAt };
    if (!(await this.store.recordRenewal(renewed, former)))
      throw new Unauthenticated('CERTIFICATE_REVOKED', `the certificate ${former} was revoked`);
    this.log.info({ cluster, serial: issued.serial }, 'agent certificate renewed');
    return {
      certificateChain: issued.chain,
      authority: this.authority.certificate,
      expireTime: timestampFromMs(issued.expiresAt),
    };
  }

  private async converse(stream: AgentStream, agent: AgentPrincipal, signal: AbortSignal): Promise<void> {
    const incoming = stream[Symbol.asyncIterator]();
    const hello = await this.hello(incoming, signal);
    if (hello.standsBy && !(await this.standby.turn(stream, agent, hello, signal))) return;
    const grant = await this.grant(agent.cluster, hello);
    if (grant.kind === 'cluster-unknown')
      throw new Unauthenticated('CLUSTER_UNKNOWN', `cluster "${agent.cluster}" is not registered`);
    if (grant.kind === 'diverged') return this.refuseDiverged(stream, agent.cluster, hello, grant.head);
    const { cluster, serial } = agent;
    const { epoch, resumeFrom } = grant;
    const { letsGo } = hello;
    const own = new AgentLine({ cluster, serial, epoch, incarnation: this.incarnation, resumeFrom, letsGo }, stream);
    const hangUp = () => own.end(undefined);
    signal.addEventListener('abort', hangUp, { once: true });
    if (signal.aborted) hangUp();
    try {
      await this.live(own, incoming, grant);
    } finally {
      signal.removeEventListener('abort', hangUp);
      this.lines.remove(own);
      await this.store.closeLine({ cluster, epoch }).catch((error: unknown) => {
        this.log.warn({ cluster, err: error }, 'the end of a line was not stored; its lease tells');
      });
    }
  }

  /** An agent that connects and says nothing is not waited for, and holds up no shutdown. */
  private async hello(incoming: AsyncIterator<line.ConnectRequest>, signal: AbortSignal): Promise<line.Hello> {
    const settled = new AbortController();
    const over = AbortSignal.any([signal, this.lines.closing, settled.signal]);
    const silence = this.seams.sleep(helloMs, over).then((): never => {
      throw new PreconditionFailed('HELLO_MISSING', 'the line begins with a hello; none came');
    });
    try {
      return await Promise.race([helloFrom(incoming), silence]);
    } finally {
      void silence.catch(() => undefined); // lost the race
      settled.abort();
    }
  }

  /** Until the agent hangs up, the hub says goodbye, or one of the directions fails. */
  private async live(own: AgentLine, incoming: AsyncIterator<line.ConnectRequest>, grant: Granted): Promise<void> {
    const { cluster, epoch } = own.facts;
    await own.write({ case: 'welcome', value: this.welcome(grant) });
    this.log.info({ cluster, epoch: epoch.toString(), resumeFrom: grant.resumeFrom.toString() }, 'agent connected');
    const fail = (error: unknown) => own.end({ kind: 'failed', error });
    const ended = new Promise<void>((resolve) => own.signal.addEventListener('abort', () => resolve(), { once: true }));
    const sending = own.sendWorks((after) => this.page(cluster, after)).catch(fail);
    void this.reception.receive(own, incoming).then(() => own.end(undefined), fail);
    // woken only now, so that nothing overtakes the welcome
    this.lines.add(own);
    await ended;
    const { how } = own;
    this.log.info({ cluster, epoch: epoch.toString(), how: how?.kind ?? 'hung up' }, 'agent disconnected');
    if (how?.kind === 'failed') throw how.error;
    if (how?.kind !== 'goodbye') return;
    const value = { reason: how.reason, message: how.message };
    const patience = new AbortController();
    await Promise.race([
      sending.then(() => own.write({ case: 'goodbye', value })).catch(() => undefined), // the agent is gone already
      this.seams.sleep(goodbyeMs, patience.signal),
    ]);
    patience.abort();
  }

  private page(cluster: ClusterId, after: bigint) {
    return this.store.workBacklog({ cluster, after, items: pageItems, bytes: pageBytes });
  }

  private async grant(cluster: ClusterId, hello: line.Hello): Promise<LineGrant> {
    const grant = await this.store.openLine({
      cluster,
      hubId: this.seams.hubId,
      hubAddress: this.address.value,
      agentVersion: hello.agentVersion.slice(0, 64),
      memberUid: hello.clusterUid.slice(0, 64),
      instanceId: instanceIdOf(hello),
      hostName: hostNameOf(hello),
      resumeFrom: hello.resumeFrom,
    });
    if (grant.kind === 'granted' && grant.formerMember !== undefined)
      this.log.warn(
        { cluster, formerMember: grant.formerMember, member: hello.clusterUid },
        'another member cluster speaks',
      );
    return grant;
  }

  private welcome({ epoch, head, resumeFrom }: Granted) {
    return {
      incarnation: this.incarnation,
      epoch,
      leaseTtl: durationFromMs(this.config.leaseTtlMs),
      heartbeatInterval: durationFromMs(this.config.heartbeatIntervalMs),
      fromBeginning: resumeFrom === 0n,
      headSequence: head,
      takesInventoryDeltas: true,
      holdsStandby: true,
    };
  }

  /** The store was put back behind what this agent has been told: nothing is sent until an operator resolves it. */
  private async refuseDiverged(
    stream: AgentStream,
    cluster: ClusterId,
    hello: line.Hello,
    head: bigint,
  ): Promise<void> {
    const ahead = hello.resumeFrom?.sequence ?? 0n;
    this.log.error({ cluster, agentAt: ahead.toString(), storeAt: head.toString() }, 'agent is ahead of the store');
    const message = `the agent holds works up to ${ahead}, the store has given out ${head}`;
    await stream.write({ message: { case: 'goodbye', value: { reason: line.GoodbyeReason.DIVERGED, message } } });
  }
}

async function helloFrom(incoming: AsyncIterator<line.ConnectRequest>): Promise<line.Hello> {
  const first = await incoming.next();
  const message = first.done === true ? undefined : first.value.message;
  if (message?.case === 'hello') return message.value;
  throw new InvalidRequest([
    { field: 'message', description: `found ${message?.case ?? 'nothing'}; allowed is hello, first` },
  ]);
}
