import { setMaxListeners } from 'node:events';
import type { Millis } from '#domain';
import { silentLogger } from '#platform';
import { NotEnrolled, WrongMember } from '../../apps/agent/identity/enrolment.js';
import { live } from '../../apps/agent/life.js';
import type { Dial } from '../../apps/agent/line/connector.js';
import type { Certificate } from './hub-process.js';
import type { MemberModel } from './member-model.js';
import { type MemberFaults, MemberPort } from './member-port.js';
import type { SeededRandom } from './random.js';
import { Life, type VirtualTime } from './virtual-time.js';

export interface AgentSurroundings {
  time: VirtualTime;
  random: SeededRandom;
  member: MemberModel;
  certificate: Certificate;
  faults: MemberFaults;
  dial(certificate: Certificate, life: Life): ReturnType<Dial>;
  onDefect(error: unknown): void;
}

/** The real agent beside a modelled member. */
export class AgentProcess {
  readonly life = new Life();
  /** Its own clock is so far off. */
  skewMs: Millis = 0;
  readonly #ending = new AbortController();
  readonly #port: MemberPort;

  constructor(readonly around: AgentSurroundings) {
    const { time, random, member, certificate, faults } = around;
    const { signal } = this.#ending;
    setMaxListeners(0, signal); // every call in flight listens to it
    const identity = { ...{ privateKey: '', certificate: '', authority: '' }, cluster: certificate.cluster };
    const timing = {
      clock: { now: () => time.now() + this.skewMs },
      chance: random.next,
      sleep: async (ms: Millis, until: AbortSignal) => {
        if ((await time.sleep(ms, until, this.life)) === 'aborted') throw until.reason;
      },
    };
    const instance = { id: String(random.next()), hostName: '' };
    this.#port = new MemberPort(member, time, random, this.life, faults);
    const source = { current: { ...identity, member: member.uid }, keepFresh: () => ended(signal) };
    live(
      { member: this.#port, timing, log: silentLogger(), instance, signal },
      () => around.dial(certificate, this.life),
      source,
    ).catch((error: unknown) => {
      const isExpected = error instanceof NotEnrolled || error instanceof WrongMember || signal.aborted;
      if (!isExpected && !this.life.isOver) around.onDefect(error);
      this.life.kill();
    });
  }

  /** The moment of its member that it knows of. */
  get seen(): number | undefined {
    return this.#port.shown;
  }

  /** Nothing more comes of it, and nothing of it stays in memory: a signal that nobody aborts keeps all who listen. */
  end(): void {
    this.life.kill();
    this.#ending.abort(new Error('the simulation is over'));
  }

  /** In good order; what is under way may still come to its end. */
  stop(): void {
    this.#ending.abort(new Error('the agent ends'));
    this.around.time.after(100, () => this.life.kill());
  }
}

const ended = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
