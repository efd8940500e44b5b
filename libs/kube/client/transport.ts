import { errors, Pool } from 'undici';
import type { JsonValue, Millis } from '#domain';
import { AccessUnusable, type CredentialSource, type Credentials } from './access.js';
import { type Channels, openChannels } from './channels.js';
import { ClientClosed, ClusterUnreachable, GarbledAnswer, type KubeError } from './errors.js';
import { refusalOf } from './refusals.js';
import { type Timing, withDeadline } from './timing.js';

export interface CallOptions {
  signal?: AbortSignal | undefined;
  /** For the whole call, retries included. */
  timeoutMs?: Millis | undefined;
}

export interface Call {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** `/api/v1/…`, without query. */
  path: string;
  query?: Readonly<Record<string, string>>;
  body?: JsonValue;
  contentType?: string;
  accept?: string | undefined;
}

export interface Answer {
  status: number;
  body: JsonValue;
}

export interface Transport {
  readonly server: string;
  /** One try. Throws a `KubeError` for everything that is not a 2xx with JSON. */
  send(call: Call, options: { signal?: AbortSignal | undefined; timeoutMs: Millis }): Promise<Answer>;
  /** An answer without end; `signal` ends it. Headers are awaited for `timeoutMs`. */
  stream(call: Call, options: { signal: AbortSignal; timeoutMs: Millis }): Promise<AsyncIterable<Uint8Array>>;
  /** A websocket of channels; `signal` ends it. The handshake is awaited for `timeoutMs`. */
  channels(call: SocketCall, options: { signal: AbortSignal; timeoutMs: Millis }): Promise<Channels>;
  close(): Promise<void>;
}

export interface SocketCall {
  path: string;
  /** A name may come several times. */
  query: readonly [string, string][];
  /** Offered, in order of preference. */
  protocols: readonly string[];
}

export interface TransportOptions {
  source: CredentialSource;
  userAgent: string;
  timing: Timing;
  /** Connections for calls; each watch has one more of its own. */
  connections: number;
}

/** How long credentials are used before the source is asked again; exec plug-ins and token files change them. */
const credentialsLast: Millis = 30_000;
/** An answer beyond this is refused; OpenAPI v2 of a cluster with many CRDs is the largest, at some 10 MB. */
const largestAnswer = 256 * 1024 * 1024;

interface Line {
  tlsKey: string;
  credentials: Credentials;
  takenAt: number;
  /** Watches hold a connection each: a pool of their own keeps them from starving calls. */
  calls: Pool;
  watches: Pool;
}

const describe = (call: Call): string => `${call.method} ${call.path}`;

export function transportTo({ source, userAgent, timing, connections }: TransportOptions): Transport {
  const server = new URL(source.server);
  const base = server.pathname.replace(/\/$/, '');
  let line: Line | undefined;
  let refreshing: Promise<Line> | undefined;
  const retired = new Set<Line>();
  let closed = false;

  const retire = (old: Line): void => {
    retired.add(old);
    void Promise.all([old.calls.close(), old.watches.close()]).finally(() => retired.delete(old));
  };

  /** A file or a plug-in that fails may be there again later, as a server may. */
  const credentialsNow = async (): Promise<Credentials> => {
    try {
      return await source.current();
    } catch (cause) {
      if (!(cause instanceof AccessUnusable)) throw cause;
      throw new ClusterUnreachable({ call: server.origin }, cause.message, { cause });
    }
  };

  const open = async (): Promise<Line> => {
    const credentials = await credentialsNow();
    const takenAt = timing.clock.now();
    const tlsKey = JSON.stringify(credentials.tls);
    if (line?.tlsKey === tlsKey) return Object.assign(line, { credentials, takenAt });
    const connect = { ...credentials.tls, keepAlive: true, keepAliveInitialDelay: 30_000, timeout: 10_000 };
    const shared = { connect, bodyTimeout: 0, headersTimeout: 0, allowH2: false };
    const next: Line = {
      tlsKey,
      credentials,
      takenAt,
      calls: new Pool(server.origin, { ...shared, connections, maxResponseSize: largestAnswer }),
      watches: new Pool(server.origin, { ...shared, connections: null }),
    };
    if (line !== undefined) retire(line);
    return next;
  };

  const current = async (): Promise<Line> => {
    if (closed) throw new ClientClosed({ call: server.origin }, 'the client is closed');
    if (line !== undefined && timing.clock.now() - line.takenAt < credentialsLast) return line;
    refreshing ??= open().finally(() => {
      refreshing = undefined;
    });
    line = await refreshing;
    return line;
  };

  const headersOf = (call: Call, { credentials }: Line): Record<string, string> => ({
    ...credentials.headers,
    'user-agent': userAgent,
    accept: call.accept ?? 'application/json',
    ...(call.body === undefined ? {} : { 'content-type': call.contentType ?? 'application/json' }),
  });

  const requestOf = (call: Call, at: Line, signal: AbortSignal) => ({
    method: call.method,
    path: `${base}${call.path}${call.query === undefined ? '' : `?${new URLSearchParams(call.query)}`}`,
    headers: headersOf(call, at),
    body: call.body === undefined ? null : JSON.stringify(call.body),
    signal,
  });

  const late = (call: Call, ms: Millis) => (): KubeError =>
    new ClusterUnreachable({ call: describe(call) }, `no answer within ${ms} ms`);

  return {
    server: source.server,
    async send(call, { signal, timeoutMs }) {
      return withDeadline(signal, timeoutMs, late(call, timeoutMs), (within) =>
        translated(call, async () => {
          const at = await current();
          const answer = await at.calls.request(requestOf(call, at, within));
          return read(call, answer.statusCode, answer.headers['retry-after'], await answer.body.text());
        }),
      );
    },
    async stream(call, { signal, timeoutMs }) {
      const ended = new AbortController();
      const follow = (): void => ended.abort(signal.reason);
      signal.addEventListener('abort', follow, { once: true });
      const begin = async (within: AbortSignal) => {
        const giveUp = (): void => ended.abort(within.reason);
        within.addEventListener('abort', giveUp, { once: true });
        try {
          return await translated(call, async () => {
            const at = await current();
            const answer = await at.watches.request(requestOf(call, at, ended.signal));
            if (answer.statusCode !== 200)
              read(call, answer.statusCode, answer.headers['retry-after'], await answer.body.text());
            return answer.body;
          });
        } finally {
          within.removeEventListener('abort', giveUp);
        }
      };
      const body = await withDeadline(signal, timeoutMs, late(call, timeoutMs), begin);
      return chunks(call, body, () => signal.removeEventListener('abort', follow));
    },
    async channels({ path, query, protocols }, bounds) {
      const { credentials } = await current();
      const url = `${server.origin}${base}${path}?${new URLSearchParams([...query])}`;
      return openChannels({ url, call: `GET ${path}`, protocols, credentials, userAgent }, bounds);
    },
    async close() {
      closed = true;
      const open = [...retired, ...(line === undefined ? [] : [line])];
      await Promise.all(open.flatMap((each) => [each.calls.destroy(), each.watches.destroy()]));
    },
  };
}

async function* chunks(call: Call, body: AsyncIterable<Uint8Array>, done: () => void): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of body) yield chunk;
  } catch (cause) {
    throw networkError(call, cause);
  } finally {
    done();
  }
}

/** Codes of Node's and undici's network errors start so; anything else is a defect and goes up as it is. */
const networkCodes = /^(E[A-Z]+|UND_ERR_\w+|CERT_\w+|ERR_(TLS|SSL|HTTP)\w*|DEPTH_ZERO\w*|SELF_SIGNED\w*|UNABLE_TO\w*)$/;

function networkError(call: Call, cause: unknown): unknown {
  if (cause instanceof errors.ResponseExceededMaxSizeError)
    return new GarbledAnswer({ call: describe(call) }, `the answer exceeds ${largestAnswer} bytes`, { cause });
  if (!(cause instanceof Error) || cause.name === 'AbortError' || !('code' in cause)) return cause;
  if (typeof cause.code !== 'string' || !networkCodes.test(cause.code)) return cause;
  return new ClusterUnreachable({ call: describe(call) }, cause.message || cause.code, { cause });
}

async function translated<T>(call: Call, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw networkError(call, cause);
  }
}

function parse(text: string): { json: JsonValue } | undefined {
  try {
    const json: JsonValue = JSON.parse(text);
    return { json };
  } catch {
    return undefined; // the caller says what came instead
  }
}

function read(call: Call, status: number, retryAfter: string | string[] | undefined, text: string): Answer {
  const parsed = parse(text);
  if (status < 200 || status > 299)
    throw refusalOf(describe(call), status, parsed?.json, typeof retryAfter === 'string' ? retryAfter : undefined);
  if (parsed === undefined)
    throw new GarbledAnswer({ call: describe(call), status }, `${text.length} characters that are no JSON`);
  return { status, body: parsed.json };
}
