import { createServer, type Server } from 'node:net';
import { afterAll, expect, it, vi } from 'vitest';
import { openChannel } from './client.js';

const servers: Server[] = [];
afterAll(() => {
  for (const server of servers) server.close();
});

const listen = (server: Server, port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });

/** An address where nothing listens yet, and what then counts who connects, and hangs up on them. */
async function later() {
  const first = createServer();
  const port = await listen(first, 0);
  await new Promise((resolve) => first.close(resolve));
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  servers.push(server);
  return { address: `127.0.0.1:${port}`, begin: () => listen(server, port), connections: () => connections };
}

it('a channel that was closed after it had been refused never connects, while an open one tries again', async () => {
  const left = await later();
  const kept = await later();
  const channels = [left, left, left, kept].map(({ address }) => openChannel({ address, ownConnection: true }));
  await Promise.all(channels.map((channel) => expect(channel.ready(100)).rejects.toThrow('did not answer')));
  for (const channel of channels.slice(0, 3)) channel.close();
  await Promise.all([left.begin(), kept.begin()]);
  // the second try of the open one is later than any first one
  await vi.waitFor(() => expect(kept.connections()).toBeGreaterThanOrEqual(2), 15_000);
  channels[3]?.close();
  expect(left.connections()).toBe(0);
}, 20_000);
