import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Authority, createAuthority } from '../testing/certificates.js';
import { startEcho } from '../testing/echo-server.js';
import { EchoService } from '../testing/gen/echo_pb.js';
import { openChannel } from './client.js';
import type { ClientTls } from './client-types.js';
import type { ServerTls } from './credentials.js';

let authority: Authority;
let stranger: Authority;
beforeAll(async () => {
  authority = await createAuthority('harbour');
  stranger = await createAuthority('stranger');
});

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** An echo server over TLS that answers `who` with the subject of the client's certificate. */
const start = async (server: Partial<ServerTls>, client: ClientTls) => {
  const tls = { ...(await authority.sign('hub')), clientAuthority: authority.certificate, ...server };
  const echo = await startEcho(
    {
      grpc: { host: '127.0.0.1', port: 0, tls },
      authenticate: ({ peerCertificate }) => ({
        name: peerCertificate === undefined ? 'nobody' : new X509Certificate(peerCertificate).subject,
      }),
    },
    {},
    { tls: { authority: authority.certificate, ...client }, defaultDeadlineMs: 3000, attempts: 1 },
  );
  closing.push(() => echo.close());
  return echo;
};

describe('TLS', () => {
  it('tells the handler which certificate the client showed', async () => {
    const { rpc } = await start({ requireClientCertificate: true }, await authority.sign('cluster-oslo'));
    expect(await rpc.echo({ text: 'who' })).toMatchObject({ text: 'CN=cluster-oslo' });
  });

  it('refuses a client without a certificate, or with a stranger’s, where one is required', async () => {
    const none = await start({ requireClientCertificate: true }, {});
    await expect(none.rpc.echo({})).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    const strange = await start({ requireClientCertificate: true }, await stranger.sign('cluster-oslo'));
    await expect(strange.rpc.echo({})).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  it('lets clients in without one where it is optional, and believes no stranger’s', async () => {
    const none = await start({}, {});
    expect(await none.rpc.echo({ text: 'who' })).toMatchObject({ text: 'nobody' });
    const strange = await start({}, await stranger.sign('cluster-oslo'));
    expect(await strange.rpc.echo({ text: 'who' })).toMatchObject({ text: 'nobody' });
  });

  it('lets a client refuse a server that has another name', async () => {
    const other = await start({}, { serverName: 'elsewhere' });
    await expect(other.rpc.echo({})).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    const nowhere = await start(await authority.sign('hub', 'elsewhere'), {});
    await expect(nowhere.rpc.echo({})).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    const right = await start({}, { serverName: 'localhost' });
    expect(await right.rpc.echo({ text: 'who' })).toMatchObject({ text: 'nobody' });
  });

  it('speaks TLS 1.3 and nothing older', async () => {
    const { server } = await start({}, {});
    const [host, port] = server.grpcAddress.split(':');
    const at = { host, port: Number(port), ca: authority.certificate, ALPNProtocols: ['h2'] };
    const old = connect({ ...at, maxVersion: 'TLSv1.2' });
    const [error] = await once(old, 'error');
    expect(error).toMatchObject({ code: expect.stringMatching(/PROTOCOL_VERSION/) });
    const modern = connect(at);
    await once(modern, 'secureConnect');
    expect(modern.getProtocol()).toBe('TLSv1.3');
    modern.destroy();
  });

  it('speaks to no server that has nothing newer than TLS 1.2', async () => {
    const { certificate, privateKey } = await authority.sign('old-hub');
    const heard: (string | null)[] = [];
    const old = createServer({ cert: certificate, key: privateKey, maxVersion: 'TLSv1.2', ALPNProtocols: ['h2'] });
    old.on('secureConnection', (socket) => void heard.push(socket.getProtocol()));
    const refused = new Promise<string>((resolve) => {
      old.on('tlsClientError', (error) => resolve(String(error)));
    });
    await new Promise<void>((resolve) => {
      old.listen(0, '127.0.0.1', () => resolve());
    });
    closing.push(
      () =>
        new Promise<void>((resolve) => {
          old.close(() => resolve());
        }),
    );
    const bound = old.address();
    const address = `127.0.0.1:${typeof bound === 'object' ? bound?.port : bound}`;
    const channel = openChannel({ address, tls: { authority: authority.certificate }, attempts: 1 });
    const call = channel.client(EchoService).echo({}, { deadlineMs: 3_000 });
    await expect(call).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    channel.close();
    expect(await refused).toMatch(/unsupported protocol|version/i);
    expect(heard).toEqual([]);
  });

  it('uses a new certificate for new connections, without a restart', async () => {
    const { server } = await start({}, {});
    server.replaceTls({ ...(await authority.sign('hub-renewed')), clientAuthority: authority.certificate });
    const [host, port] = server.grpcAddress.split(':');
    const socket = connect({ host, port: Number(port), ca: authority.certificate, ALPNProtocols: ['h2'] });
    await once(socket, 'secureConnect');
    expect(socket.getPeerCertificate().subject.CN).toBe('hub-renewed');
    socket.destroy();
  });
});
