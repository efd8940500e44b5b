import { create } from '@bufbuild/protobuf';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import { line } from '#contract';
import { DomainError, type Instant, type Millis } from '#domain';
import { InvalidObject, KubeError, type LogQuery, type PodView } from '#kube';
import { frameOf, type TunnelEndpoint, TunnelOver, tunnelPieceBytes } from '#platform/light';
import { rest } from '../seams.js';
import { refusalFor } from './end.js';
import { logFailure } from './log-failures.js';
import { factsOf, noContainer, podsOf } from './target.js';
import { wholeLines } from './whole-lines.js';
import type { TunnelWorld } from './world.js';

/** Containers that are read through one tunnel at a time. */
const mostSources = 64;
/** Before a stream that was cut is opened again. */
const reopenMs: Millis = 500;

class TooManySources extends DomainError {
  readonly code = 'RESOURCE_EXHAUSTED';
  readonly reason = 'TOO_MANY_LOGS';

  constructor() {
    super(`${mostSources} containers are read at once already; name a component, cluster or pod`);
  }
}

class NeverRestarted extends DomainError {
  readonly code = 'NOT_FOUND';
  readonly reason = 'NEVER_RESTARTED';

  constructor(container: string) {
    super(`container ${container} has nothing from before a restart`);
  }
}

/** The words of the kubelet; the status is 400 whatever is wrong. */
const hasNoPrevious = (error: InvalidObject): boolean =>
  /previous terminated container .* not found/.test(error.message);

/** The logs of a work's pods, those that come later too when they are followed. */
export class LogTunnel {
  readonly #known = new Set<string>();
  readonly #reading = new Set<Promise<void>>();
  #sources = 0;

  constructor(
    private readonly world: TunnelWorld,
    private readonly order: line.TunnelOrder,
    private readonly logs: line.LogsOrder,
    private readonly end: TunnelEndpoint,
    private readonly signal: AbortSignal,
  ) {}

  async run(): Promise<void> {
    this.#join();
    while (this.logs.follow && !this.signal.aborted) {
      await this.world.changes.next(this.order.workId, this.signal);
      this.#join();
    }
    await Promise.all(this.#reading);
  }

  /** Begins with pods that are not known yet. One that cannot be read ends its own source alone. */
  #join(): void {
    const { workId, pod: name } = this.order;
    for (const pod of podsOf(this.world, workId)) {
      if (this.#known.has(pod.uid) || (name !== '' && pod.name !== name)) continue;
      this.#known.add(pod.uid);
      const reading = this.#readPod(pod).catch(async (error: unknown) => this.#endSource(pod.name, '', error));
      const settled = reading.catch((error: unknown) => {
        if (!(error instanceof TunnelOver))
          this.world.log.error({ err: error, pod: pod.name }, 'logs could not be told');
      });
      this.#reading.add(settled);
      void settled.then(() => this.#reading.delete(settled));
    }
  }

  async #readPod(pod: PodView): Promise<void> {
    const facts = await factsOf(this.world, pod, this.order.workId, this.signal);
    const { container } = this.order;
    const all = [...facts.containers, ...facts.initContainers];
    if (container !== '' && !all.includes(container)) throw noContainer(facts, container);
    const chosen = container === '' ? facts.containers : [container];
    await Promise.all(chosen.map((each) => this.#readSource(pod, each)));
  }

  async #readSource(pod: PodView, container: string): Promise<void> {
    this.#sources += 1;
    try {
      if (this.#sources > mostSources) throw new TooManySources();
      await this.#readContainer(pod, container);
      await this.#endSource(pod.name, container, undefined);
    } catch (error) {
      await this.#endSource(pod.name, container, error);
    } finally {
      this.#sources -= 1;
    }
  }

  /** Until it has ended; when it is followed, over restarts and connections that are cut. */
  async #readContainer(pod: PodView, container: string): Promise<void> {
    const { clock } = this.world.timing;
    let { restarts } = pod;
    let query = this.#firstQuery(container);
    let lastAt: Instant = clock.now();
    for (;;) {
      const isOpened = await this.#readStream(pod, query, () => {
        lastAt = clock.now();
      });
      if (!this.logs.follow || this.logs.previous) return;
      const now = await this.#standing(pod, { restarts, mayHaveBeenCut: isOpened });
      if (now === undefined) return;
      if (!isOpened) continue;
      const onwards = { container, follow: true, previous: false, timestamps: this.logs.timestamps };
      const elapsed = BigInt(Math.ceil((clock.now() - lastAt) / 1000) + 1);
      query = now.restarts > restarts ? onwards : { ...onwards, sinceSeconds: elapsed };
      restarts = now.restarts;
    }
  }

  /** False when the container has not started yet, and is waited for. */
  async #readStream(pod: PodView, query: LogQuery, heard: () => void): Promise<boolean> {
    const source = create(line.SourceSchema, { pod: pod.name, container: query.container });
    try {
      const bytes = await this.world.access.logs(pod, query, { signal: this.signal });
      for await (const lines of wholeLines(bytes, tunnelPieceBytes)) {
        await this.end.send({ bytes: lines, source });
        heard();
      }
      return true;
    } catch (error) {
      // 400: "container … is waiting to start"
      if (error instanceof InvalidObject && this.logs.follow && !this.logs.previous) return false;
      if (error instanceof InvalidObject && hasNoPrevious(error)) throw new NeverRestarted(query.container);
      throw error;
    }
  }

  /** The pod once there is a reason to open its stream (again); undefined when there will be none. */
  async #standing(pod: PodView, seen: { restarts: number; mayHaveBeenCut: boolean }): Promise<PodView | undefined> {
    await rest(this.world.timing, reopenMs, this.signal);
    while (!this.signal.aborted) {
      const now = podsOf(this.world, this.order.workId).find((each) => each.uid === pod.uid);
      if (now === undefined || now.state === 'succeeded' || now.state === 'ended') return undefined;
      const isRunning = now.state === 'ready' || !seen.mayHaveBeenCut;
      if (isRunning || now.restarts > seen.restarts) return now;
      await this.world.changes.next(this.order.workId, this.signal);
    }
    return undefined;
  }

  #firstQuery(container: string): LogQuery {
    const { follow, previous, timestamps, tailLines, sinceSeconds, sinceTime } = this.logs;
    const at = sinceTime === undefined ? undefined : timestampDate(sinceTime).toISOString();
    return { container, follow, previous, timestamps, tailLines, sinceSeconds, sinceTime: at };
  }

  async #endSource(pod: string, container: string, error: unknown): Promise<void> {
    if (this.signal.aborted || error instanceof TunnelOver) return;
    const refusal = error === undefined ? undefined : refusalFor(logFailure(error, pod, container));
    if (error instanceof KubeError) this.world.log.warn({ err: error, pod, container }, 'the member gave no logs');
    if (error !== undefined && refusal === undefined)
      this.world.log.error({ err: error, pod }, 'logs could not be read');
    const why = refusal ?? (error === undefined ? {} : { code: 'INTERNAL', message: 'the agent has failed' });
    const value = { source: { pod, container }, code: '', message: '', ...why };
    await this.end.control(frameOf({ case: 'sourceEnded', value }));
  }
}
