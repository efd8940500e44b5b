import type { line } from '#contract';
import { DomainError } from '#domain';
import { CallAborted } from '#platform';
import { AgentStoreModel, type StoreFault } from '../../libs/store/testing/agent-store-model.js';
import { AgentProcess } from './agent-process.js';
import { type Certificate, HubProcess, hubConfig } from './hub-process.js';
import { generationOf, MemberModel, type MemberObject } from './member-model.js';
import { SimulatedCall } from './network.js';
import { PretendScheduler } from './pretend-scheduler.js';
import { SeededRandom } from './random.js';
import { Trace } from './trace.js';
import { Truth } from './truth.js';
import { Life, VirtualTime } from './virtual-time.js';
import { Witness } from './witness.js';

export const clusters = ['alpha', 'beta', 'gamma'] as const;
const hubNames = ['hub-1', 'hub-2'] as const;

/** Everything of one run: what is real (agents, hubs' line), what is modelled, and who looks. */
export class World {
  readonly time = new VirtualTime(Date.parse('2030-01-01T00:00:00Z'));
  readonly random: SeededRandom;
  readonly trace = new Trace(this.time);
  readonly store: AgentStoreModel;
  readonly members: ReadonlyMap<string, MemberModel>;
  readonly agents: AgentProcess[] = [];
  readonly hubs = new Map<string, HubProcess>();
  readonly calls = new Set<SimulatedCall>();
  readonly scheduler: PretendScheduler;
  readonly witness: Witness;
  readonly faults = { store: 0, lostAnswers: 0, slowAnswers: 0, lateRequests: 0 };
  /** Older requests that arrived after newer ones. */
  lateRequests = 0;
  isStoreDown = false;
  isHealed = false;
  /** Two agents were beside these at a time: what one deletes the other may put back once, and nobody answers for it. */
  readonly rivalled = new Set<string>();
  #broken: unknown;

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
    const { time, random } = this;
    this.store = new AgentStoreModel('incarnation', {
      clock: time,
      roundTrip: async () => void (await time.sleep(random.delay(0, 30))),
      fault: () => this.#storeFault(),
    });
    this.members = new Map(clusters.map((name) => [name, new MemberModel(name, time, random, 8_000)]));
    for (const member of this.members.values())
      member.follow(({ kind, object }) =>
        this.note(member.cluster, `holds ${kind === 'gone' ? 'no more' : ''} ${inBrief(object)}`),
      );
    const truth = new Truth([...this.members.values()]);
    this.scheduler = new PretendScheduler(this.store, random, truth, clusters);
    this.witness = new Witness(time, this.store, this.members, truth, hubConfig.leaseTtlMs);
    for (const cluster of clusters) this.store.registerCluster(cluster);
    for (const name of hubNames) this.startHub(name);
    for (const cluster of clusters) this.startAgent(cluster);
  }

  /** One event, and a look at what came of it; throws what was broken. Answers false when nothing is left to happen. */
  async step(): Promise<boolean> {
    const goesOn = await this.time.step();
    if (this.#broken !== undefined) throw this.#broken;
    this.witness.check();
    return goesOn;
  }

  startHub(name: string): void {
    if (this.hubs.get(name)?.life.isOver === false) return;
    const isTheirs = (error: unknown) =>
      error instanceof DomainError ||
      error instanceof CallAborted ||
      (error instanceof Error && 'code' in error && error.code === '40001');
    this.note(name, 'starts');
    this.hubs.set(
      name,
      new HubProcess(name, this.store.incarnation, this.time, this.store, (error) => {
        if (!isTheirs(error)) this.#fail(error);
      }),
    );
  }

  startAgent(cluster: string): AgentProcess {
    const member = this.members.get(cluster);
    if (member === undefined) throw new Error(`there is no cluster ${cluster}`);
    if (this.living(cluster).length > 0) this.rivalled.add(cluster);
    this.note(cluster, 'an agent starts');
    const agent = new AgentProcess({
      ...{ time: this.time, random: this.random, member, faults: this.faults },
      certificate: { cluster, serial: `serial-${cluster}` },
      dial: (certificate, life) => this.dial(certificate, life),
      onDefect: (error) => this.#fail(error),
    });
    this.agents.push(agent);
    return agent;
  }

  /** Nothing happens in it any more. */
  end(): void {
    for (const agent of this.agents) agent.end();
    for (const hub of this.hubs.values()) hub.life.kill();
    for (const call of this.calls) call.end();
  }

  living(cluster?: string): AgentProcess[] {
    return this.agents.filter(
      ({ life, around }) => !life.isOver && (cluster === undefined || around.member.cluster === cluster),
    );
  }

  /** A call to whichever hub serves; refused when none does. */
  dial(
    certificate: Certificate,
    client: Life,
  ): { call: SimulatedCall; stream: SimulatedCall['client']; close(): void } {
    const hub = this.random.pick([...this.hubs.values()].filter(({ isServing }) => isServing));
    const { cluster } = certificate;
    let epoch: bigint | undefined;
    const hooks = {
      onRequest: (message: line.ConnectRequest['message']) => {
        this.note(cluster, `says ${message.case}${brief(message)}`);
        const seen = this.agents.find(({ life }) => life === client)?.seen;
        this.#guard(() => this.witness.heard(cluster, epoch, message, seen));
      },
      onResponse: (message: line.ConnectResponse['message']) => {
        if (message.case === 'welcome') epoch = message.value.epoch;
        this.note(hub?.name ?? '', `tells ${cluster} ${message.case}${brief(message)}`);
        this.#guard(() => this.witness.told(cluster, epoch, message, (id) => this.#clusterOf(id)));
      },
    };
    const call = new SimulatedCall(this.time, this.random, hooks, { client, server: hub?.life ?? new Life() });
    this.calls.add(call);
    if (hub === undefined) call.answered(new CallAborted('UNAVAILABLE', 'connection refused'));
    else this.time.after(this.random.delay(1, 200), () => void hub.serve(call, certificate));
    return { call, stream: call.client, close: () => call.client.cancel() };
  }

  note(who: string, what: string): void {
    this.trace.note(who, what);
  }

  #clusterOf(id: string): string | undefined {
    return this.scheduler.history.get(id)?.[0]?.cluster ?? this.store.tombstones.get(id)?.cluster;
  }

  #storeFault(): StoreFault | undefined {
    if (this.isStoreDown) return 'lost-before-commit';
    if (!this.random.happens(this.faults.store)) return undefined;
    return this.random.pick(['conflict', 'conflict', 'lost-before-commit', 'lost-after-commit'] as const);
  }

  #guard(look: () => void): void {
    try {
      look();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#broken ??= error;
  }
}

const inBrief = (object: MemberObject): string =>
  `${object.kind} ${object.name} ${object.uid.slice(0, 8)} at ${generationOf(object)}${object.ready ? ' ready' : ''}`;

function brief(message: line.ConnectRequest['message'] | line.ConnectResponse['message']): string {
  switch (message.case) {
    case 'welcome':
      return ` epoch ${message.value.epoch}, head ${message.value.headSequence}`;
    case 'workBatch':
      return ` up to ${message.value.upTo?.sequence}, ${message.value.items.length} items`;
    case 'statusReport': {
      const works = message.value.works.map(
        ({ workId, generation, phase, reasons }) =>
          `${workId.slice(0, 4)}@${generation}:${[phase, ...reasons.map(({ reason }) => reason)].join('-')}`,
      );
      return ` ${message.value.sequence} (${message.value.bracket}) ${works.join(' ')} ${message.value.tombstones.length} outcomes`;
    }
    case 'statusAck':
      return ` ${message.value.sequence}`;
    case 'goodbye':
      return ` ${message.value.message}`;
    default:
      return '';
  }
}
