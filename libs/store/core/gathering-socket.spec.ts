import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { GatheringSocket } from './gathering-socket.js';

/** Counts what the operating system is asked to write, which a reader cannot tell. */
class CountingSocket extends GatheringSocket {
  writes = 0;

  override _writev(...args: Parameters<NonNullable<Socket['_writev']>>): void {
    this.writes += 1;
    super._writev?.(...args);
  }
}

describe('a gathering socket', () => {
  it('sends in one write what is corked part by part in one turn, in its order, and nothing later', async () => {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const accepted = once(server, 'connection');
    const socket = new CountingSocket();
    socket.connect(port, '127.0.0.1');
    await once(socket, 'connect');
    const [peer] = (await accepted) as [Socket];
    const statement = (name: string) => {
      socket.cork();
      socket.write(`parse ${name};`);
      socket.write(`sync ${name};`);
      socket.uncork();
    };
    statement('a');
    await Promise.resolve();
    statement('b');
    await once(peer, 'readable');
    expect(String(peer.read())).toBe('parse a;sync a;parse b;sync b;');
    expect(socket.writes).toBe(1);
    statement('c');
    await once(peer, 'readable');
    expect(String(peer.read())).toBe('parse c;sync c;');
    expect(socket.writes).toBe(2);
    socket.destroy();
    server.close();
  });
});
