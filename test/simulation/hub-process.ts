import { line } from '#contract';
import { type IncomingCall, silentLogger } from '#platform';
import type { AgentStore } from '#store';
import { hubDefaults } from '../../apps/hub/config.js';
import { AgentLineController } from '../../apps/hub/line/agent.service.js';
import { HeartbeatIntake } from '../../apps/hub/line/heartbeat-intake.js';
import { LabelKeys } from '../../apps/hub/line/label-keys.js';
import { Lines } from '../../apps/hub/line/lines.js';
import { Reception } from '../../apps/hub/line/reception.js';
import { StatusIntake } from '../../apps/hub/line/status-intake.js';
import { Upkeep } from '../../apps/hub/line/upkeep.js';
import type { HubSeams } from '../../apps/hub/parts.js';
import { authenticator, type HubPrincipal } from '../../apps/hub/principal.js';
import type { SimulatedCall } from './network.js';
import { Life, type VirtualTime } from './virtual-time.js';

export const hubConfig = { ...hubDefaults, databaseUrl: '', directory: '' };

/** What an agent shows; in the simulation nobody can forge one. */
export interface Certificate {
  cluster: string;
  serial: string;
}

/** The real hub's line, on a simulated network and store. */
export class HubProcess {
  readonly life = new Life();
  readonly #lines: Lines;
  readonly #upkeep: Upkeep;
  readonly #controller: AgentLineController;
  readonly #authenticate: ReturnType<typeof authenticator>;
  #isServing = true;

  constructor(
    readonly name: string,
    incarnation: string,
    private readonly time: VirtualTime,
    store: AgentStore,
    private readonly onDefect: (error: unknown) => void,
  ) {
    const log = silentLogger();
    const seams: HubSeams = {
      log,
      clock: time,
      sleep: async (ms, signal) => void (await time.sleep(ms, signal, this.life)),
      ids: { secret: () => Buffer.alloc(0) },
      hubId: name,
    };
    const own = asLongAs(this.life, store);
    this.#lines = new Lines(own);
    const status = new StatusIntake(own, log, seams);
    const heartbeats = new HeartbeatIntake(own, hubConfig, seams);
    const reception = new Reception(own, log, this.#lines, status, heartbeats);
    this.#upkeep = new Upkeep(own, hubConfig, seams, log, this.#lines, new LabelKeys(own, seams, this.#lines));
    const authority = { certificate: '', issueForAgent: () => new Promise<never>(() => undefined) };
    const address = { value: name };
    this.#controller = new AgentLineController(
      ...([own, authority, incarnation, hubConfig, seams, log, this.#lines, reception, address] as const),
    );
    this.#authenticate = authenticator({
      store: own,
      authority: {
        identify: async (bytes) => {
          const { cluster, serial }: Certificate = JSON.parse(Buffer.from(bytes).toString());
          return { kind: 'cluster', cluster, serial, expiresAt: time.now() + 86_400_000 };
        },
      },
    });
    this.#upkeep.onApplicationBootstrap();
  }

  get isServing(): boolean {
    return this.#isServing && !this.life.isOver;
  }

  /** Takes a call in, as the server's pipeline does: who is it, then the handler. */
  async serve(call: SimulatedCall, certificate: Certificate): Promise<void> {
    const incoming: IncomingCall = {
      ...{ method: line.AgentService.method.connect, protocol: 'grpc', metadata: { get: () => undefined } },
      ...{ peer: 'simulated', peerCertificate: Buffer.from(JSON.stringify(certificate)), deadline: undefined },
      signal: call.signal,
    };
    try {
      const principal: HubPrincipal = await this.#authenticate(incoming);
      await this.#controller.connect(call.server, { ...incoming, principal });
      if (!this.life.isOver) call.answered();
    } catch (error) {
      if (this.life.isOver) return;
      this.onDefect(error);
      call.answered(error);
    }
  }

  /** Says goodbye to everyone first. */
  async stop(): Promise<void> {
    this.#isServing = false;
    await this.#upkeep.onModuleDestroy();
    await this.#lines.onModuleDestroy();
    await this.time.sleep(10);
    this.life.kill();
  }
}

/** A process that was killed asks nothing and hears nothing any more; what the store was doing for it may be done. */
function asLongAs(life: Life, store: AgentStore): AgentStore {
  const never = <T>(): Promise<T> => new Promise(() => undefined);
  const guarded = async <T>(call: () => Promise<T>): Promise<T> => {
    if (life.isOver) return never();
    try {
      const answer = await call();
      return life.isOver ? never<T>() : answer;
    } catch (error) {
      if (life.isOver) return never();
      throw error;
    }
  };
  return {
    ping: () => guarded(() => store.ping()),
    certificateStanding: (certificate) => guarded(() => store.certificateStanding(certificate)),
    recordRenewal: (certificate, former) => guarded(() => store.recordRenewal(certificate, former)),
    openLine: (request) => guarded(() => store.openLine(request)),
    closeLine: (closed) => guarded(() => store.closeLine(closed)),
    lineStandings: (lines) => guarded(() => store.lineStandings(lines)),
    noteWaiting: (waiting) => guarded(() => store.noteWaiting(waiting)),
    forgetWaiting: (waiting) => guarded(() => store.forgetWaiting(waiting)),
    sweepConditions: () => guarded(() => store.sweepConditions()),
    workBacklog: (from) => guarded(() => store.workBacklog(from)),
    hints: (take) => store.hints(take),
    storeStatus: (writes) => guarded(() => store.storeStatus(writes)),
    storeHeartbeats: (beats, leaseTtlMs) => guarded(() => store.storeHeartbeats(beats, leaseTtlMs)),
    storeSchema: (reported) => guarded(() => store.storeSchema(reported)),
    nodeLabelKeys: () => guarded(() => store.nodeLabelKeys()),
    sweepLeases: () => guarded(() => store.sweepLeases()),
    announceSilent: (told) => guarded(() => store.announceSilent(told)),
    news: async function* (signal) {
      for await (const news of store.news(signal)) {
        if (life.isOver) await never();
        yield news;
      }
    },
  };
}
