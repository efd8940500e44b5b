import { setMaxListeners } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { durationMs } from '@bufbuild/protobuf/wkt';
import { clusterName, readApplicationName, wire } from '#contract';
import { DomainError, type Instant, InvalidRequest, type Millis, type Principal } from '#domain';
import type { RpcCall, ServerStreamWriter } from '#platform';
import type { TunnelTarget } from '#store';
import { NoAgentConnected } from './failures.js';
import type { WorkloadParts } from './open.js';
import type { Ticket } from './relays.js';
import { matching } from './targets.js';
import type { TunnelRequest } from './tickets.js';

type Out = ServerStreamWriter<typeof wire.ReadLogsResponseSchema>;

const again = { firstMs: 500, longestMs: 5_000 } as const;

function check({ since, sinceTime, tailLines, follow, previous }: wire.ReadLogsRequest): void {
  const wrong = (field: string, description: string) => new InvalidRequest([{ field, description }]);
  if (since !== undefined && sinceTime !== undefined)
    throw wrong('since', 'only one of since and since_time is allowed');
  if (since !== undefined && durationMs(since) <= 0) throw wrong('since', 'allowed is more than nothing');
  if (tailLines !== undefined && tailLines < 0n) throw wrong('tail_lines', `found ${tailLines}; allowed is 0 or more`);
  if (follow && previous) throw wrong('previous', 'what came before the last restart has ended, and is not followed');
}

const auditOf = ({ pod, container, follow, previous }: wire.ReadLogsRequest) => ({
  follow,
  previous,
  ...(pod === '' ? {} : { pod }),
  ...(container === '' ? {} : { container }),
});

/** What the agents are asked for. `elapsedMs`: it is the continuation of a reading that was cut so long ago. */
function orderOf(request: wire.ReadLogsRequest, elapsedMs?: Millis) {
  const { pod, container, follow, previous, timestamps, tailLines, since, sinceTime } = request;
  const seconds = since === undefined ? undefined : BigInt(Math.ceil(durationMs(since) / 1000));
  const from =
    elapsedMs === undefined
      ? {
          tailLines,
          sinceSeconds: seconds,
          sinceTime: sinceTime && { seconds: sinceTime.seconds, nanos: sinceTime.nanos },
        }
      : { sinceSeconds: BigInt(Math.ceil(elapsedMs / 1000) + 1) };
  const value = { follow, previous, timestamps, ...defined(from) };
  return { pod, container, kind: { case: 'logs', value } as const };
}

const defined = <T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };

/** The logs of an application's pods in every cluster, told as they come; each work in a tunnel of its own. */
export class LogReading {
  readonly #readings = new Map<string, { ended: Promise<void>; stop: AbortController }>();
  readonly #failures: unknown[] = [];
  readonly #over = new AbortController();
  #isAnythingRead = false;

  constructor(
    private readonly parts: WorkloadParts,
    private readonly request: wire.ReadLogsRequest,
    private readonly asked: TunnelRequest,
    private readonly out: Out,
    signal: AbortSignal,
  ) {
    setMaxListeners(0, this.#over.signal); // one for each tunnel
    const end = () => this.#over.abort(signal.reason);
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
  }

  async run(): Promise<void> {
    const issued = await this.parts.office.issue(this.asked, (targets) => matching(targets, this.request), {
      order: orderOf(this.request),
      audit: auditOf(this.request),
    });
    try {
      for (const { target, ticket } of issued) this.#begin(target, ticket);
      if (this.request.follow) await this.#followWorks();
      await Promise.all([...this.#readings.values()].map(({ ended }) => ended));
    } finally {
      this.#over.abort();
    }
    if (!this.#isAnythingRead && this.#failures.length > 0) throw this.#failures[0];
  }

  #begin(target: TunnelTarget, ticket: Ticket | undefined): void {
    const stop = new AbortController();
    const signal = AbortSignal.any([this.#over.signal, stop.signal]);
    const ended = this.#readWork(target, ticket, signal).catch((error: unknown) => this.#over.abort(error));
    this.#readings.set(target.workId, { ended, stop });
  }

  /** Works that come join, works that go leave; ends with the application, or when the signal aborts. */
  async #followWorks(): Promise<void> {
    const { tenant, project, application } = this.asked.key;
    const { signal } = this.#over;
    for await (const rows of this.parts.store.feed.subscribe({ kinds: ['application'], signal })) {
      if (!rows.some((row) => row.tenant === tenant && row.resource === `${project}/${application}`)) continue;
      const { component, cluster } = this.request;
      const there = (await this.parts.office.targets(this.asked)).filter(
        (each) =>
          (component === '' || each.component === component) &&
          (cluster === '' || clusterName(each.cluster) === cluster),
      );
      if (there.length === 0) return this.#over.abort();
      for (const [workId, { stop }] of this.#readings) if (!there.some((each) => each.workId === workId)) stop.abort();
      for (const target of there) if (!this.#readings.has(target.workId)) this.#begin(target, undefined);
    }
    if (signal.reason instanceof Error && signal.reason.name !== 'AbortError') throw signal.reason;
  }

  /** Reads one work to its end; when it is followed, again and again while its agent cannot be reached. */
  async #readWork(target: TunnelTarget, first: Ticket | undefined, signal: AbortSignal): Promise<void> {
    const { clock } = this.parts;
    let lastAt: Instant = clock.now();
    let ticket = first;
    let hasBegun = false;
    for (let failures = 0; !signal.aborted; ) {
      try {
        if (first !== undefined && !target.connected && ticket === first) throw new NoAgentConnected([target.cluster]);
        ticket ??= await this.#renewedTicket(target, hasBegun ? clock.now() - lastAt : undefined);
        await this.#readTunnel(target, ticket, signal, () => {
          failures = 0;
          hasBegun = true;
          lastAt = clock.now();
        });
        if (!this.request.follow) return;
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof DomainError)) throw error;
        await this.#endSource({ target, pod: '', container: '' }, error);
        if (!this.request.follow || error.code !== 'UNAVAILABLE') {
          this.#failures.push(error);
          return;
        }
      }
      ticket = undefined;
      failures += 1;
      const longest = Math.min(again.longestMs, again.firstMs * 2 ** (failures - 1));
      await pause(longest, undefined, { signal }).catch(() => undefined); // it ends
    }
  }

  async #renewedTicket(target: TunnelTarget, elapsedMs: Millis | undefined): Promise<Ticket> {
    const same = (targets: readonly TunnelTarget[]) => targets.filter(({ workId }) => workId === target.workId);
    const order = orderOf(this.request, elapsedMs);
    const [issued] = await this.parts.office.issue(this.asked, same, { order, audit: undefined });
    if (issued?.target.connected !== true) throw new NoAgentConnected([target.cluster]);
    return issued.ticket;
  }

  async #readTunnel(target: TunnelTarget, ticket: Ticket, signal: AbortSignal, heard: () => void): Promise<void> {
    const relay = await this.parts.relays.open(ticket);
    const cut = () => relay.close();
    signal.addEventListener('abort', cut, { once: true });
    if (signal.aborted) cut();
    try {
      for await (const { frame } of relay.frames()) {
        if (frame.case === 'data') {
          const { pod = '', container = '' } = frame.value.source ?? {};
          this.#isAnythingRead = true;
          await this.out.write({
            source: this.#source({ target, pod, container }),
            event: { case: 'lines', value: frame.value.bytes },
          });
          heard();
        } else if (frame.case === 'sourceEnded') {
          const { source, code, message } = frame.value;
          this.#isAnythingRead = true;
          await this.#endSource(
            { target, pod: source?.pod ?? '', container: source?.container ?? '' },
            { code, message },
          );
        }
      }
    } finally {
      signal.removeEventListener('abort', cut);
      relay.close();
    }
  }

  #source({ target, pod, container }: { target: TunnelTarget; pod: string; container: string }) {
    return { component: target.component, cluster: clusterName(target.cluster), pod, container };
  }

  async #endSource(
    source: { target: TunnelTarget; pod: string; container: string },
    { code, message }: { code: string; message: string },
  ): Promise<void> {
    await this.out.write({ source: this.#source(source), event: { case: 'end', value: { code, message } } });
  }
}

/** Tells what pods print until everything is read; when it is followed, until the caller leaves or its key is revoked. */
export async function readLogs(
  parts: WorkloadParts,
  request: wire.ReadLogsRequest,
  { principal, signal }: RpcCall<Principal>,
  out: Out,
): Promise<void> {
  check(request);
  const key = { ...readApplicationName(request.name), environment: request.environment || 'default' };
  const revocation = parts.authenticator.follow(principal);
  const asked = { principal, key, action: 'workloads.logs' };
  try {
    await new LogReading(parts, request, asked, out, AbortSignal.any([signal, revocation.signal])).run();
    revocation.signal.throwIfAborted();
  } finally {
    revocation.end();
  }
}
