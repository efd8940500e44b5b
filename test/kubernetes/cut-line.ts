import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A TCP relay to a server, which can be broken in the ways that networks break. */
export interface CutLine {
  /** The server's URL through the relay. */
  readonly url: string;
  /** Refuses and resets everything until `mend`. */
  cut(): void;
  /** Keeps connections open and lets nothing through, without a word to either side; new ones just as little. */
  freeze(): void;
  /** The same for the connections that are open now; new ones work. */
  freezeOpen(): void;
  /** Everything takes so much longer, each way. */
  delay(ms: number): void;
  mend(): void;
  close(): Promise<void>;
}

export async function cutLineTo(target: string): Promise<CutLine> {
  const { hostname, port, protocol } = new URL(target);
  const sockets = new Set<Socket>();
  const frozen = new WeakSet<Socket>();
  let state: 'open' | 'cut' | 'frozen' = 'open';
  let delayMs = 0;
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
  };
  const server = createServer((near) => {
    keep(near);
    if (state === 'cut') {
      near.destroy();
      return;
    }
    const far = connect(Number(port), hostname);
    keep(far);
    near.once('close', () => far.destroy());
    far.once('close', () => near.destroy());
    const passes = (): boolean => state === 'open' && !frozen.has(near);
    near.on(
      'data',
      late(
        () => delayMs,
        (bytes) => passes() && far.writable && far.write(bytes),
      ),
    );
    far.on(
      'data',
      late(
        () => delayMs,
        (bytes) => passes() && near.writable && near.write(bytes),
      ),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address() as AddressInfo;
  const destroyAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `${protocol}//127.0.0.1:${address.port}`,
    cut() {
      state = 'cut';
      destroyAll();
    },
    freeze() {
      state = 'frozen';
    },
    freezeOpen() {
      for (const socket of sockets) frozen.add(socket);
    },
    delay(ms) {
      delayMs = ms;
    },
    mend() {
      delayMs = 0;
      if (state === 'frozen') destroyAll();
      state = 'open';
    },
    async close() {
      destroyAll();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** Hands bytes on in their order, each so late as was told when it came. */
function late(delayMs: () => number, pass: (bytes: Buffer) => void): (bytes: Buffer) => void {
  const waiting: Buffer[] = [];
  return (bytes) => {
    if (delayMs() === 0 && waiting.length === 0) return pass(bytes);
    waiting.push(bytes);
    setTimeout(() => {
      const next = waiting.shift();
      if (next !== undefined) pass(next);
    }, delayMs());
  };
}
