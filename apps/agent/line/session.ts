import { create } from '@bufbuild/protobuf';
import { durationMs, timestampFromMs } from '@bufbuild/protobuf/wkt';
import { line, statusReportToWire, workItemFromWire } from '#contract';
import { type Millis, mostNodeLabelKeys } from '#domain';
import { type ClientBidi, RpcError } from '#platform/light';
import type { Agent } from '../agent.js';
import { checkMember } from '../identity/enrolment.js';
import type { AgentIdentity } from '../identity/identity.js';
import { uidOf } from '../identity/member-uid.js';
import { type AgentParts, rest } from '../seams.js';
import { agentVersion } from '../version.js';
import { Pulse } from './pulse.js';

export type Stream = ClientBidi<typeof line.ConnectRequestSchema, typeof line.ConnectResponseSchema>;

/** How a session ended: by the hub's word, or by the connection. */
export interface SessionEnd {
  goodbye: line.Goodbye | undefined;
  /** It had been welcomed. */
  wasWelcomed: boolean;
  /** The hub lets an agent that was displaced wait until the line is free. */
  holdsStandby: boolean;
}

export interface SessionOptions {
  tunnels: Tunnels | undefined;
  /** Another agent took the line: it is wanted only once that one is gone. */
  standsBy: boolean;
}

/** Changes of one moment make one report. */
const lingerMs: Millis = 25;
const welcomeMs: Millis = 15_000;
/** A full report waits so long for works that the member does not let be tried. */
const fullReportPatienceMs: Millis = 15_000;

/** Takes the hub's orders for tunnels, until the signal says that the stream is over. */
export type Tunnels = (over: AbortSignal) => (open: line.TunnelOpen) => void;

/** One stream, from hello to its end. */
export class Session {
  readonly #over = new AbortController();
  #goodbye: line.Goodbye | undefined;
  #isWelcomed = false;
  #isStandingBy = false;
  #holdsStandby = false;

  constructor(
    private readonly agent: Agent,
    private readonly parts: AgentParts,
    private readonly stream: Stream,
    private readonly identity: AgentIdentity,
    private readonly options: SessionOptions,
  ) {}

  /** Resolves when the stream has ended; rejects with RpcError, or a defect. */
  async run(): Promise<SessionEnd> {
    const hangUp = () => this.stream.cancel();
    this.parts.signal.addEventListener('abort', hangUp, { once: true });
    try {
      await this.#write({ case: 'hello', value: await this.#hello() });
      const failed = new Promise<never>((_, reject) => {
        this.#fail = reject;
      });
      this.#inBackground(this.#expectWelcome());
      await Promise.race([this.#listen(), failed]);
      return { goodbye: this.#goodbye, wasWelcomed: this.#isWelcomed, holdsStandby: this.#holdsStandby };
    } finally {
      this.#over.abort();
      this.agent.endSession(this);
      this.parts.signal.removeEventListener('abort', hangUp);
      this.stream.cancel();
    }
  }

  get wasWelcomed(): boolean {
    return this.#isWelcomed;
  }

  #fail: (error: unknown) => void = () => undefined;

  #write(message: line.ConnectRequest['message']): Promise<void> {
    return this.stream.write({ message });
  }

  async #hello(): Promise<line.Hello> {
    const clusterUid = await uidOf(this.parts.member);
    checkMember(this.identity, clusterUid);
    const { resumePoint } = this.agent;
    const { instance } = this.parts;
    return create(line.HelloSchema, {
      agentVersion,
      clusterUid,
      letsGo: true,
      instanceId: instance?.id ?? '',
      hostName: instance?.hostName ?? '',
      standsBy: this.options.standsBy,
      ...(resumePoint === undefined ? {} : { resumeFrom: resumePoint }),
    });
  }

  /** A hub that takes the call and says nothing is left for another try. */
  async #expectWelcome(): Promise<void> {
    if (!(await rest(this.parts.timing, welcomeMs, this.#over.signal)) || this.#isWelcomed || this.#isStandingBy)
      return;
    throw new RpcError('DEADLINE_EXCEEDED', `the hub said no welcome within ${welcomeMs} ms`);
  }

  async #listen(): Promise<void> {
    const openTunnel = this.options.tunnels?.(this.#over.signal);
    for await (const { message } of this.stream.messages) {
      switch (message.case) {
        case 'welcome':
          this.#welcomed(message.value);
          break;
        case 'standby':
          this.#isStandingBy = true;
          this.parts.log.warn('another agent of this cluster holds the line: this one stands by until it is gone');
          break;
        case 'workBatch':
          this.#take(message.value);
          break;
        case 'statusAck':
          this.agent.acknowledged(message.value.sequence);
          break;
        case 'schemaRequest':
          this.#inBackground(this.#pulse?.reportSchema());
          break;
        case 'inventoryRequest':
          this.#pulse?.repeat();
          break;
        case 'nodeLabelKeys':
          this.agent.nodeLabelKeys = message.value.keys.slice(0, mostNodeLabelKeys);
          this.#pulse?.tellApartBy(this.agent.nodeLabelKeys);
          break;
        case 'tunnelOpen':
          openTunnel?.(message.value);
          break;
        case 'goodbye':
          this.#goodbye = message.value;
          if (message.value.reason === line.GoodbyeReason.SUPERSEDED) this.agent.standDown();
          return;
        case undefined:
          this.parts.log.warn('the hub said something that this agent does not know');
      }
    }
  }

  #pulse: Pulse | undefined;

  #welcomed(welcome: line.Welcome): void {
    const { incarnation, epoch, headSequence, fromBeginning } = welcome;
    this.#isWelcomed = true;
    this.#holdsStandby = welcome.holdsStandby;
    this.parts.log.info(
      { epoch: epoch.toString(), incarnation, head: headSequence.toString() },
      'connected to the hub',
    );
    this.agent.beginSession(this, { incarnation, headSequence, fromBeginning });
    const interval = welcome.heartbeatInterval === undefined ? 3_000 : durationMs(welcome.heartbeatInterval);
    this.#pulse = new Pulse(this.parts, this.agent.held, (message) => this.#write(this.#dated(message)), {
      intervalMs: interval,
      takesChanges: welcome.takesInventoryDeltas,
      labelKeys: this.agent.nodeLabelKeys,
      isCaughtUp: () => this.agent.isCaughtUp,
      handedBack: () => this.agent.handedBackRequests,
    });
    this.#inBackground(this.#pulse.run(this.#over.signal));
    this.#inBackground(this.#report());
  }

  /** With this agent's clock, so that the hub sees whether it is wrong. */
  #dated(message: line.ConnectRequest['message']): line.ConnectRequest['message'] {
    if (message.case === 'heartbeat')
      message.value.agentTime = timestampFromMs(Math.round(this.parts.timing.clock.now()));
    return message;
  }

  #take(batch: line.WorkBatch): void {
    const read = batch.items.map((item) => workItemFromWire(item, this.identity.cluster));
    const items = read.filter((item) => item !== undefined);
    if (items.length < read.length)
      this.parts.log.warn({ items: read.length - items.length }, 'the hub asks for what this agent does not know');
    const upTo = batch.upTo;
    this.agent.take(items, upTo?.sequence ?? 0n, { moreFollows: batch.moreFollows });
  }

  /** Tells what is to be told, as fast as the hub takes it in. */
  async #report(): Promise<void> {
    const { timing } = this.parts;
    const { signal } = this.#over;
    let isLate = false;
    // not by the clock, which may be set anew meanwhile
    void rest(timing, fullReportPatienceMs, signal).then((hasWaited) => {
      isLate = hasWaited;
    });
    while (!signal.aborted) {
      this.agent.openFullReport({ isLate });
      const report = this.agent.nextReport();
      if (report === undefined) {
        await this.agent.somethingToTell(signal);
        await rest(timing, lingerMs, signal);
        continue;
      }
      await this.#write({ case: 'statusReport', value: statusReportToWire(report) });
      // What changes meanwhile is told together; parts of a full report wait for nothing.
      if (report.bracket === 'delta') await rest(timing, lingerMs, signal);
    }
  }

  /** A part of the session that fails ends it. */
  #inBackground(work: Promise<void> | undefined): void {
    void work?.catch((error: unknown) => {
      if (!this.#over.signal.aborted) this.#fail(error);
    });
  }
}
