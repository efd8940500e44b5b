import { createServer, type ServerResponse } from 'node:http';
import type { Registry } from 'prom-client';
import { cannotListen } from '../errors/startup.js';
import { addressOf, closeHttp, listen } from '../rpc/listen.js';

/** Something the process cannot work without. Rejects, or answers false, while it is not there. */
export type ReadinessCheck = () => boolean | Promise<boolean>;

export interface HealthEndpointOptions {
  app: string;
  host: string;
  /** 0 lets the system choose. */
  port: number;
  /** The environment variable that chooses the port, for the message when it is in use. */
  setting?: string;
  registry: Registry;
  /** By name; all must hold for `/readyz` to answer 200. */
  ready: Readonly<Record<string, ReadinessCheck>>;
}

export interface HealthEndpoint {
  readonly address: string;
  close(): Promise<void>;
}

const answer = (response: ServerResponse, status: number, body: unknown): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`);
};

const readiness = async (checks: Readonly<Record<string, ReadinessCheck>>) => {
  const entries = Object.entries(checks).map(async ([name, check]) => {
    try {
      return [name, (await check()) ? 'ready' : 'not ready'] as const;
    } catch (cause) {
      return [name, cause instanceof Error ? cause.message : String(cause)] as const;
    }
  });
  const parts = Object.fromEntries(await Promise.all(entries));
  return { ready: Object.values(parts).every((state) => state === 'ready'), parts };
};

/** Serves `/healthz` (the process lives), `/readyz` (it can work; 503 and why when not) and `/metrics` (Prometheus). */
export const startHealthEndpoint = async (options: HealthEndpointOptions): Promise<HealthEndpoint> => {
  const server = createServer(async (request, response) => {
    const path = request.url?.split('?')[0];
    if (path === '/healthz') return answer(response, 200, { alive: true });
    if (path === '/readyz') {
      const state = await readiness(options.ready);
      return answer(response, state.ready ? 200 : 503, state);
    }
    if (path !== '/metrics') return answer(response, 404, { error: 'served are /healthz, /readyz and /metrics' });
    response.setHeader('content-type', options.registry.contentType);
    response.end(await options.registry.metrics());
  });
  await listen(server, options).catch((cause) => {
    throw cannotListen(options, cause);
  });
  return { address: addressOf(server), close: () => closeHttp(server, 0) };
};
