import { randomUUID } from 'node:crypto';
import { createServer, type Server as HttpServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
import { type Clock, systemClock } from '#domain';
import { errorMapper } from '../errors/mapper.js';
import { cannotListen } from '../errors/startup.js';
import type { Logger } from '../log/logger.js';
import { connectRoutes } from './connect-binding.js';
import { type ServerTls, TlsServerCredentials } from './credentials.js';
import { grpcService } from './grpc-binding.js';
import { httpHandler } from './http-handler.js';
import { addressOf, closeHttp, listen } from './listen.js';
import { Pipeline, type PipelineOptions } from './pipeline.js';
import { addReflection } from './reflection.js';
import type { BoundService } from './service.js';

/** Where to listen. */
export interface Endpoint {
  host: string;
  /** 0 lets the system choose. */
  port: number;
  /** The environment variable that chooses the port, for the message when it is in use. */
  setting?: string;
}

export interface RpcServerOptions<P> extends PipelineOptions<P> {
  /** Name of the process part, for messages: `gateway`. */
  app: string;
  log: Logger;
  grpc: Endpoint & { tls?: ServerTls };
  /** JSON, Connect and gRPC-Web over HTTP/1.1; left out, only gRPC is served. */
  http?: Endpoint;
  /** Largest request, in bytes; a larger one answers RESOURCE_EXHAUSTED. Default 4 MiB. */
  maxRequestBytes?: number;
  /** Ping idle connections, so that a dead peer is noticed. Default every 20 s, dead after 10 s more. */
  keepalive?: { intervalMs: number; timeoutMs: number };
  /** How long calls in flight may run on after close() began. Default 5 s. */
  drainMs?: number;
  clock?: Clock;
  /** Names an internal error in the answer and in the log. Default random. */
  newErrorId?: () => string;
}

/** Serves bound services as gRPC (with reflection and health, which need no authentication) and as JSON over HTTP. */
export class RpcServer<P> {
  readonly #pipeline: Pipeline<P>;
  readonly #clock: Clock;
  readonly #grpc: Server;
  readonly #health: HealthImplementation;
  readonly #credentials: ServerCredentials;
  #http: HttpServer | undefined;
  #grpcAddress: string | undefined;
  #closed: Promise<void> | undefined;

  constructor(
    private readonly options: RpcServerOptions<P>,
    private readonly services: readonly BoundService[],
  ) {
    this.#clock = options.clock ?? systemClock;
    const toStatus = errorMapper(options.log, options.newErrorId ?? randomUUID);
    this.#pipeline = new Pipeline(options, toStatus, this.#clock);
    this.#grpc = new Server(channelOptions(options));
    for (const service of services) {
      const { definition, implementation } = grpcService(service, this.#pipeline);
      this.#grpc.addService(definition, implementation);
    }
    addReflection(this.#grpc, services);
    this.#health = new HealthImplementation(this.#statuses('SERVING'));
    this.#health.addToServer(this.#grpc);
    const { tls } = options.grpc;
    this.#credentials = tls === undefined ? ServerCredentials.createInsecure() : new TlsServerCredentials(tls);
  }

  /** host:port as bound. */
  get grpcAddress(): string {
    if (this.#grpcAddress === undefined) throw new Error(`${this.options.app}: the server is not started`);
    return this.#grpcAddress;
  }

  /** host:port as bound; undefined when HTTP is not served. */
  get httpAddress(): string | undefined {
    return this.#http === undefined ? undefined : addressOf(this.#http);
  }

  /** Binds all ports. Throws StartupError, one line, when one is in use; then none is left bound. */
  async start(): Promise<void> {
    const { app, grpc, http, log } = this.options;
    await this.#bindGrpc({ app, ...grpc });
    if (http !== undefined) {
      this.#http = this.#httpServer();
      await listen(this.#http, http).catch((cause) => {
        this.#http = undefined;
        this.#grpc.forceShutdown();
        throw cannotListen({ app, ...http }, cause);
      });
    }
    log.info({ grpc: this.grpcAddress, http: this.httpAddress }, 'listening');
  }

  /** Uses a new certificate for connections to come. */
  replaceTls(tls: ServerTls): void {
    if (!(this.#credentials instanceof TlsServerCredentials)) throw new Error('the server was started without TLS');
    this.#credentials.replace(tls);
  }

  /**
   * Health turns NOT_SERVING, open streams end with UNAVAILABLE (clients resume elsewhere), unary calls in flight may
   * end within `drainMs`, then everything is cut. Repeated calls wait for the first.
   */
  close(): Promise<void> {
    this.#closed ??= this.#drain();
    return this.#closed;
  }

  async #drain(): Promise<void> {
    const drainMs = this.options.drainMs ?? 5000;
    for (const name of Object.keys(this.#statuses('SERVING'))) this.#health.setStatus(name, 'NOT_SERVING');
    this.#pipeline.abortStreams();
    const grpc = new Promise<void>((resolve) => {
      const force = setTimeout(() => this.#grpc.forceShutdown(), drainMs);
      this.#grpc.tryShutdown(() => {
        clearTimeout(force);
        resolve();
      });
    });
    await Promise.all([grpc, this.#http === undefined ? undefined : closeHttp(this.#http, drainMs)]);
  }

  #statuses<S extends 'SERVING'>(status: S): Record<string, S> {
    return Object.fromEntries(
      ['', ...this.services.map(({ service }) => service.typeName)].map((name) => [name, status]),
    );
  }

  async #bindGrpc(at: Endpoint & { app: string }): Promise<void> {
    if (at.port !== 0) {
      await probe(at).catch((cause) => {
        throw cannotListen(at, cause);
      });
    }
    const host = at.host.includes(':') ? `[${at.host}]` : at.host;
    const port = await new Promise<number>((resolve, reject) => {
      this.#grpc.bindAsync(`${host}:${at.port}`, this.#credentials, (error, bound) =>
        error === null ? resolve(bound) : reject(cannotListen(at, error)),
      );
    });
    this.#grpcAddress = `${host}:${port}`;
  }

  #httpServer(): HttpServer {
    const routes = connectRoutes(this.services, this.#pipeline, this.#clock);
    return createServer(httpHandler({ routes, maxRequestBytes: maxRequestBytes(this.options), log: this.options.log }));
  }
}

/** grpc-js prints a busy port to standard error and hides its code; a bind of our own says it properly first. */
const probe = async (at: Endpoint): Promise<void> => {
  const server = createTcpServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(at.port, at.host, resolve);
  });
  await new Promise<void>((resolve) => server.close(() => resolve()));
};

const maxRequestBytes = <P>(options: RpcServerOptions<P>): number => options.maxRequestBytes ?? 4 * 1024 * 1024;

const channelOptions = <P>(options: RpcServerOptions<P>) => ({
  'grpc.max_receive_message_length': maxRequestBytes(options),
  'grpc.keepalive_time_ms': options.keepalive?.intervalMs ?? 20_000,
  'grpc.keepalive_timeout_ms': options.keepalive?.timeoutMs ?? 10_000,
  'grpc.keepalive_permit_without_calls': 1,
});
