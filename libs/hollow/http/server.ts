import { timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Alarms } from '../alarms.js';
import type { Api } from '../api/api.js';
import type { Metrics } from '../metrics.js';
import type { PretendLogs } from '../pods/logs.js';
import type { ResourceRegistry } from '../registry.js';
import { openApiV2, openApiV3, openApiV3Index } from '../schema/openapi.js';
import { ApiError } from '../status.js';
import { Audit, type AuditEntry } from './audit.js';
import type { ServerCertificate } from './certificate.js';
import { discoveryAnswer } from './discovery.js';
import { listAnswer } from './list.js';
import { isPodStream, PodStreams, refuseUpgrade } from './pod-streams.js';
import { parseBody, parseResourcePath, type ResourceRequest, readBody } from './request.js';
import { scaleOf } from './scale.js';
import { Watch } from './watch.js';
import { type Answer, carryOut, deleteOptions, verbOf, type WriteRequest, writeOptions } from './writes.js';

export interface ServerParts {
  api: Api;
  registry: ResourceRegistry;
  alarms: Alarms;
  metrics: Metrics;
  token: string;
  version: string;
  /** With one the server speaks https, else http. */
  certificate: ServerCertificate | undefined;
  onAudit: (entry: AuditEntry) => void;
  /** Its name, and what its pods print. */
  cluster: string;
  logs: PretendLogs;
}

/** The API of one hollow cluster on a loopback port. */
export class ApiServer {
  readonly audit: Audit;
  private readonly server: Server;
  private readonly watches = new Set<Watch>();
  private readonly podStreams: PodStreams;
  private readonly upgraded = new Set<Duplex>();
  private resumeAnswers: (() => void) | undefined;
  private pausing: Promise<void> = Promise.resolve();

  constructor(private readonly parts: ServerParts) {
    this.audit = new Audit(parts.onAudit);
    const serve = (request: IncomingMessage, response: ServerResponse) => void this.serve(request, response);
    this.server = parts.certificate === undefined ? createServer(serve) : createSecureServer(parts.certificate, serve);
    this.server.keepAliveTimeout = 60_000;
    this.server.on('upgrade', (request, socket, head) => void this.upgrade(request, socket, head));
    const { api, alarms, cluster, logs, registry } = parts;
    registry.onWithdrawn((kind) => {
      for (const watch of this.watches) if (watch.resource === kind) watch.end(false);
    });
    this.podStreams = new PodStreams({ store: api.store, alarms, nowMs: () => api.nowMs, cluster, logs });
  }

  async listen(port: number): Promise<string> {
    await new Promise<void>((listening, failed) => {
      this.server.once('error', failed);
      this.server.listen(port, '127.0.0.1', listening);
    });
    const scheme = this.parts.certificate === undefined ? 'http' : 'https';
    return `${scheme}://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.resume();
    for (const watch of this.watches) watch.end(false);
    for (const socket of this.upgraded) socket.destroy();
    const closed = new Promise<void>((done) => this.server.close(() => done()));
    this.server.closeAllConnections();
    await closed;
  }

  /** Withholds every answer and every watch event until `resume`. */
  pause(): void {
    if (this.resumeAnswers !== undefined) return;
    this.pausing = new Promise((resume) => {
      this.resumeAnswers = resume;
    });
  }

  resume(): void {
    this.resumeAnswers?.();
    this.resumeAnswers = undefined;
    for (const watch of this.watches) watch.resumed();
  }

  /** Forgets the history of changes and tells every open watch so (410 in an ERROR event). */
  expireWatches(): void {
    const { store } = this.parts.api;
    store.forget();
    const error = new ApiError(410, 'Expired', 'The resourceVersion for the provided watch is too old.');
    for (const watch of this.watches) watch.expire(error);
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://hollow');
    try {
      this.authenticate(request);
      await this.pausing;
      await this.route(request, response, url);
    } catch (cause) {
      if (response.headersSent || response.destroyed) return;
      const known = cause instanceof ApiError;
      const error = known ? cause : new ApiError(500, 'InternalError', `Internal error occurred: ${String(cause)}`);
      if (!known) process.emitWarning(`hollow cluster: ${request.method} ${url.pathname}: ${String(cause)}`);
      answer(response, { code: error.code, body: error.body() });
    }
  }

  private async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    this.upgraded.add(socket);
    socket.on('close', () => this.upgraded.delete(socket));
    socket.on('error', () => undefined); // `close` follows
    const url = new URL(request.url ?? '/', 'http://hollow');
    try {
      this.authenticate(request);
      await this.pausing;
      const target = parseResourcePath(this.parts.registry, url.pathname);
      if (target === undefined || !isPodStream(target)) throw notServed('GET', url.pathname, this.parts.version);
      await this.podStreams.upgrade(target, url.searchParams, { request, socket, head });
    } catch (cause) {
      const known = cause instanceof ApiError;
      if (!known) process.emitWarning(`hollow cluster: ${url.pathname}: ${String(cause)}`);
      refuseUpgrade(socket, known ? cause : new ApiError(500, 'InternalError', String(cause)));
    }
  }

  private authenticate({ headers }: IncomingMessage): void {
    const given = Buffer.from(headers.authorization ?? '');
    const wanted = Buffer.from(`Bearer ${this.parts.token}`);
    if (given.length !== wanted.length || !timingSafeEqual(given, wanted))
      throw new ApiError(401, 'Unauthorized', 'Unauthorized');
  }

  private async route(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const { method = 'GET', headers } = request;
    const { version, metrics } = this.parts;
    if (method === 'GET') {
      const plain =
        this.document(url.pathname, headers.host ?? '', headers.accept ?? '') ??
        metrics.answer(url.pathname, url.searchParams);
      if (plain !== undefined) return answer(response, { code: 200, body: plain });
    }
    const target = parseResourcePath(this.parts.registry, url.pathname);
    if (target === undefined || !allows(method, target)) throw notServed(method, url.pathname, version);
    if (method === 'GET' && isPodStream(target)) this.podStreams.answer(target, url.searchParams, response);
    else if (method === 'GET') this.read(target, url.searchParams, response);
    else await this.write(request, response, url, target);
  }

  private document(path: string, host: string, accept: string): unknown {
    const { version, registry } = this.parts;
    if (['/healthz', '/livez', '/readyz'].includes(path)) return 'ok';
    if (path === '/openapi/v2') {
      // A client that reads protobuf alone (old kubectl) must not be handed JSON as if it were that.
      if (accept.includes('protobuf') && !accept.includes('json'))
        throw new ApiError(406, 'NotAcceptable', 'only application/json is served');
      return openApiV2(registry, version);
    }
    if (path === '/openapi/v3') return openApiV3Index(registry);
    if (path.startsWith('/openapi/v3/')) return openApiV3(registry, path.slice('/openapi/v3/'.length), version);
    return discoveryAnswer(registry, path, host, version);
  }

  private read(target: ResourceRequest, query: URLSearchParams, response: ServerResponse): void {
    const { api, alarms } = this.parts;
    const { resource, namespace = '', name, subresource } = target;
    guardVersion(query, api.store.revision);
    if (query.get('watch') === 'true' || query.get('watch') === '1') {
      const paused = () => this.resumeAnswers !== undefined;
      const watch = new Watch({ store: api.store, alarms, paused }, target, query, response);
      this.watches.add(watch);
      response.on('close', () => this.watches.delete(watch));
      watch.start();
    } else if (name === undefined) answer(response, { code: 200, body: listAnswer(api.store, target, query) });
    else {
      const found = api.get({ resource, namespace, name });
      answer(response, { code: 200, body: subresource === 'scale' ? scaleOf(found) : found });
    }
  }

  private async write(
    request: IncomingMessage,
    response: ServerResponse,
    url: URL,
    target: ResourceRequest,
  ): Promise<void> {
    const { headers, method = '' } = request;
    const text = await readBody(request);
    const contentType = headers['content-type'] ?? 'application/json';
    const write: WriteRequest = {
      target,
      method,
      contentType,
      body: text === '' ? undefined : parseBody(text, contentType),
      query: url.searchParams,
      userAgent: headers['user-agent'] ?? '',
    };
    try {
      const done = carryOut(this.parts.api, write);
      this.remember(write, url, done.code);
      answer(response, done);
    } catch (cause) {
      this.remember(write, url, cause instanceof ApiError ? cause.code : 500);
      throw cause;
    }
  }

  private remember(write: WriteRequest, url: URL, code: number): void {
    const { target, userAgent } = write;
    const verb = verbOf(write);
    const deletes = verb === 'delete' || verb === 'deletecollection';
    const { uid, resourceVersion } = deletes && code !== 400 ? deleteOptions(write) : {};
    const { manager, dryRun = false } = writeOptions(write);
    this.audit.record({
      atMs: this.parts.api.nowMs,
      verb,
      path: url.pathname,
      resource: target.resource.plural,
      namespace: target.namespace ?? '',
      name: target.name ?? '',
      subresource: target.subresource,
      userAgent,
      fieldManager: manager,
      dryRun,
      preconditions: {
        ...(uid === undefined ? {} : { uid }),
        ...(resourceVersion === undefined ? {} : { resourceVersion }),
      },
      code,
    });
  }
}

function allows(method: string, target: ResourceRequest): boolean {
  const { name, subresource, namespace, resource } = target;
  if (isPodStream(target)) return method === 'GET';
  if (method === 'GET') return subresource !== 'eviction' && subresource !== 'finalize';
  if (method === 'POST')
    return name === undefined ? namespace !== undefined || !resource.namespaced : subresource === 'eviction';
  if (method === 'DELETE') return subresource === undefined;
  if (method === 'PUT') return name !== undefined && subresource !== 'eviction';
  return method === 'PATCH' && name !== undefined && subresource !== 'eviction' && subresource !== 'finalize';
}

/** Refuses what this server cannot give: a future it has not seen, a streamed list. Clients then list anew. */
function guardVersion(query: URLSearchParams, revision: number): void {
  const asked = query.get('resourceVersion') ?? '';
  if (Number(asked) > revision)
    throw new ApiError(504, 'Timeout', `Too large resource version: ${asked}, current: ${revision}`, {
      causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    });
  if (query.get('sendInitialEvents') === 'true')
    throw new ApiError(
      422,
      'Invalid',
      'ListOptions.meta.k8s.io "" is invalid: sendInitialEvents: Forbidden: sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled',
      {
        group: 'meta.k8s.io',
        kind: 'ListOptions',
        causes: [
          {
            reason: 'FieldValueForbidden',
            message: 'Forbidden: sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled',
            field: 'sendInitialEvents',
          },
        ],
      },
    );
}

function notServed(method: string, path: string, version: string): ApiError {
  if (mayBeCustom(path)) return new ApiError(404, 'NotFound', 'the server could not find the requested resource');
  return new ApiError(501, 'NotImplemented', `a hollow cluster (${version}) does not implement ${method} ${path}`, {
    causes: [{ reason: 'NotImplemented', message: method, field: path }],
  });
}

/** Of groups that are not Kubernetes' own there is what definitions define, and nothing else. */
function mayBeCustom(path: string): boolean {
  const group = /^\/apis\/([^/]+)/.exec(path)?.[1] ?? '';
  return group.includes('.') && !group.endsWith('.k8s.io');
}

function answer(response: ServerResponse, { code, body, warnings = [] }: Answer): void {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  for (const warning of warnings) response.appendHeader('warning', `299 - "${warning.replaceAll('"', '\\"')}"`);
  response.writeHead(code, {
    'content-type': body === 'ok' ? 'text/plain' : 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-cache, private',
  });
  response.end(text);
}
