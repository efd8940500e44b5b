import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { line } from '#contract';
import { systemTiming } from '#kube';
import { type ClientTls, createRpcClient, silentLogger } from '#platform';
import { ensureIdentity, tlsOf } from '../../apps/agent/identity/enrolment.js';
import { type AgentIdentity, memoryKeeper } from '../../apps/agent/identity/identity.js';

/** Whose hub is spoken to. */
interface WithHub {
  hub(): { address: string };
}

/** Enrols as an agent does. */
export const enrolWith = (of: WithHub, token: string): Promise<AgentIdentity> =>
  ensureIdentity({
    hub: of.hub().address,
    token,
    member: '',
    keeper: memoryKeeper(),
    timing: systemTiming,
    log: silentLogger(),
    signal: new AbortController().signal,
  });

type Heard = line.ConnectResponse['message'];
type HeardCase = NonNullable<Heard['case']>;
type Value<C extends HeardCase> = Extract<Heard, { case: C }>['value'];

/** A stream spoken by hand, for what a well-behaved agent never says. */
export class RawAgent {
  readonly #heard: Heard[] = [];
  readonly #stream;
  readonly #client;
  readonly #reading: Promise<void>;
  #wake: () => void = () => undefined;
  /** Set once the stream has ended. */
  ended: { code: string; message: string } | undefined;

  /** `service`: the line as it is spoken, when that is not the present one. */
  constructor(of: WithHub, tls: ClientTls, service: typeof line.AgentService = line.AgentService) {
    this.#client = createRpcClient(service, { address: of.hub().address, tls, ownConnection: true });
    this.#stream = this.#client.rpc.connect();
    this.#reading = this.#read();
    void this.#stream.status.then((status) => {
      this.ended = status;
      this.#wake();
    });
  }

  static async connected(
    of: WithHub,
    identity: AgentIdentity,
    hello: MessageInitShape<typeof line.HelloSchema> = {},
    service?: typeof line.AgentService,
  ): Promise<{ agent: RawAgent; welcome: line.Welcome }> {
    const agent = new RawAgent(of, tlsOf(identity), service);
    await agent.say({ case: 'hello', value: hello });
    return { agent, welcome: await agent.hear('welcome') };
  }

  /** Has said hello, and is not welcome yet. */
  static async waiting(
    of: WithHub,
    identity: AgentIdentity,
    hello: MessageInitShape<typeof line.HelloSchema>,
  ): Promise<RawAgent> {
    const agent = new RawAgent(of, tlsOf(identity));
    await agent.say({ case: 'hello', value: hello });
    return agent;
  }

  say(message: NonNullable<MessageInitShape<typeof line.ConnectRequestSchema>['message']>): Promise<void> {
    return this.#stream.write({ message });
  }

  /** Anything at all: what only a newer agent would say. */
  sayRaw(message: MessageInitShape<typeof line.ConnectRequestSchema>): Promise<void> {
    return this.#stream.write(message);
  }

  /** The next message of this kind; those before it are dropped. */
  async hear<C extends HeardCase>(kind: C, withinMs = 15_000): Promise<Value<C>> {
    const deadline = Date.now() + withinMs;
    for (;;) {
      const next = this.#heard.shift();
      if (next?.case === kind) return next.value as Value<C>;
      if (next !== undefined) continue;
      const left = deadline - Date.now();
      if (left <= 0 || this.ended !== undefined)
        throw new Error(
          `heard no ${kind}; the stream ${this.ended === undefined ? 'is open' : `ended with ${this.ended.code} ${this.ended.message}`}`,
        );
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** How the stream ends. */
  async end(): Promise<{ code: string; message: string }> {
    return this.#stream.status;
  }

  async close(): Promise<void> {
    this.#stream.cancel();
    await this.#reading;
    this.#client.close();
  }

  async #read(): Promise<void> {
    try {
      for await (const { message } of this.#stream.messages) {
        this.#heard.push(message);
        this.#wake();
      }
    } catch {
      // `status` tells how it ended
    }
  }
}

export const reportOf = (
  sequence: bigint,
  works: MessageInitShape<typeof line.WorkStatusSchema>[],
  bracket = line.Bracket.DELTA,
) => ({ case: 'statusReport' as const, value: create(line.StatusReportSchema, { sequence, bracket, works }) });

export const readyStatus = (workId: string, generation = 1n) => ({
  workId,
  generation,
  phase: line.WorkPhase.READY,
});
