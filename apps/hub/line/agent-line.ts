import type { MessageInitShape } from '@bufbuild/protobuf';
import { line, workItemToWire } from '#contract';
import type { ClusterId, Incarnation } from '#domain';
import type { BidiStream } from '#platform';
import type { BacklogPage } from '#store';

export type AgentStream = BidiStream<typeof line.ConnectRequestSchema, typeof line.ConnectResponseSchema>;
type Answer = NonNullable<MessageInitShape<typeof line.ConnectResponseSchema>['message']>;

/** Why the hub ends a line. */
export type Ending =
  | { kind: 'goodbye'; reason: line.GoodbyeReason; message: string }
  | { kind: 'failed'; error: unknown };

export interface LineFacts {
  cluster: ClusterId;
  /** Of the certificate that the stream was opened with. */
  serial: string;
  epoch: bigint;
  incarnation: Incarnation;
  /** The agent holds everything up to here. */
  resumeFrom: bigint;
  /** The agent knows tombstones that let an object go; any other takes them for orders to delete. */
  letsGo: boolean;
}

/** One agent's stream: what it was sent, how it is woken, how it ends. */
export class AgentLine {
  readonly #ending = new AbortController();
  #how: Ending | undefined;
  #sent: bigint;
  #wake: (() => void) | undefined;
  #isWoken = false;

  constructor(
    readonly facts: LineFacts,
    private readonly stream: AgentStream,
  ) {
    this.#sent = facts.resumeFrom;
  }

  /** Works up to here are on their way to the agent. */
  get sent(): bigint {
    return this.#sent;
  }

  /** Aborts when the line ends. */
  get signal(): AbortSignal {
    return this.#ending.signal;
  }

  /** How it ended; undefined while it lives, or when the agent hung up. */
  get how(): Ending | undefined {
    return this.#how;
  }

  /** The first reason counts. */
  end(how: Ending | undefined): void {
    if (this.#ending.signal.aborted) return;
    this.#how = how;
    this.#ending.abort();
    this.wake();
  }

  /** There may be newer works. */
  wake(): void {
    this.#isWoken = true;
    this.#wake?.();
  }

  /** An agent of before lets it pass. A stream that does not take it ends. */
  askForLabels(keys: readonly string[]): void {
    if (this.signal.aborted) return;
    const failed = (error: unknown) => this.end({ kind: 'failed', error });
    void this.write({ case: 'nodeLabelKeys', value: { keys: [...keys] } }).catch(failed);
  }

  write(message: Answer): Promise<void> {
    return this.stream.write({ message });
  }

  /** Sends whatever is newer, for as long as the line lives; waits for the reader before it reads on itself. */
  async sendWorks(nextPage: (after: bigint) => Promise<BacklogPage>): Promise<void> {
    while (!this.signal.aborted) {
      this.#isWoken = false;
      const page = await nextPage(this.#sent);
      if (this.signal.aborted) return;
      if (page.upTo > this.#sent) await this.sendPage(page);
      if (page.isComplete) await this.woken();
    }
  }

  private async sendPage({ items, upTo, isComplete }: BacklogPage): Promise<void> {
    const { incarnation, letsGo } = this.facts;
    const known = items.filter((item) => letsGo || item.kind === 'work' || item.tombstone.mode === 'delete');
    const value = {
      items: known.map((item) => workItemToWire(item, incarnation)),
      upTo: { incarnation, sequence: upTo },
      moreFollows: !isComplete,
    };
    this.#sent = upTo;
    await this.write({ case: 'workBatch', value });
  }

  private async woken(): Promise<void> {
    if (this.#isWoken || this.signal.aborted) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#wake = undefined;
  }
}
