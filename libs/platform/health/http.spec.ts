import { afterEach, describe, expect, it } from 'vitest';
import { startEcho } from '../testing/echo-server.js';
import { type HealthEndpoint, type ReadinessCheck, startHealthEndpoint } from './http.js';
import { createMetrics, rpcMetrics } from './metrics.js';

const closing: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const part of closing.splice(0)) await part.close();
});

const start = async (ready: Record<string, ReadinessCheck>, registry = createMetrics({ app: 'echo' })) => {
  const endpoint: HealthEndpoint = await startHealthEndpoint({
    app: 'echo',
    host: '127.0.0.1',
    port: 0,
    registry,
    ready,
  });
  closing.push(endpoint);
  return (path: string) => fetch(`http://${endpoint.address}${path}`);
};

describe('the health endpoint', () => {
  it('is alive even while it is not ready, and says which part is not', async () => {
    let connected = false;
    const get = await start({
      database: () => {
        if (!connected) throw new Error('connection refused');
        return true;
      },
      queue: async () => true,
    });
    expect((await get('/healthz')).status).toBe(200);
    const response = await get('/readyz');
    expect([response.status, await response.json()]).toEqual([
      503,
      { ready: false, parts: { database: 'connection refused', queue: 'ready' } },
    ]);
    connected = true;
    expect((await get('/readyz')).status).toBe(200);
    expect((await get('/')).status).toBe(404);
  });

  it('counts calls by method, protocol and code', async () => {
    const registry = createMetrics({ app: 'echo' });
    const echo = await startEcho({ observe: rpcMetrics(registry) });
    closing.push(echo);
    const get = await start({}, registry);
    await echo.rpc.echo({ text: 'a' });
    await echo.rpc.echo({ text: 'fail' }).catch(() => {});
    await echo.json('Echo', {});
    const text = await (await get('/metrics')).text();
    const count = (protocol: string, code: string) =>
      text.match(
        new RegExp(`berth_rpc_calls_total{.*EchoService/Echo",protocol="${protocol}",code="${code}".*} (\\d+)`),
      )?.[1];
    expect([count('grpc', 'OK'), count('grpc', 'RESOURCE_EXHAUSTED'), count('connect', 'OK')]).toEqual(['1', '1', '1']);
  });
});
