import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A TCP relay to Postgres that can lose a connection at the one moment that matters. */
export interface CommitRelay {
  /** The database's URL through the relay. */
  readonly url: string;
  /** The next COMMIT is lost on its way to the server, or its answer on the way back; both with the connection. */
  lose(which: 'request' | 'answer'): void;
  close(): Promise<void>;
}

const request = Buffer.from('COMMIT\0');
/** CommandComplete with its tag (PostgreSQL documentation, "Message Formats"). */
const answer = Buffer.from('COMMIT\0');

export async function commitRelayTo(databaseUrl: string): Promise<CommitRelay> {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  let armed: 'request' | 'answer' | undefined;
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
  };
  const server = createServer((near) => {
    const far = connect(Number(target.port), target.hostname);
    for (const socket of [near, far]) keep(socket);
    const cut = (): void => {
      armed = undefined;
      near.destroy();
      far.destroy();
    };
    near.once('close', () => far.destroy());
    far.once('close', () => near.destroy());
    near.on('data', (bytes) => (armed === 'request' && bytes.includes(request) ? cut() : far.write(bytes)));
    far.on('data', (bytes) => (armed === 'answer' && bytes.includes(answer) ? cut() : near.write(bytes)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: Object.assign(new URL(databaseUrl), { hostname: '127.0.0.1', port: `${port}` }).href,
    lose: (which) => {
      armed = which;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
