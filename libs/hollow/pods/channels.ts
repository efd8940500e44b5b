import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';

/** `v5` can close one channel: `[255, channel]` (KEP-4006). */
export const channelProtocols = { closing: 'v5.channel.k8s.io', plain: 'v4.channel.k8s.io' } as const;
const closeChannel = 255;
/** Written and not taken by the other side: more waits. */
const mostUnsent = 256 * 1024;

/** The server's end of a websocket of channels. */
export class ServerChannels {
  readonly #inputs = new Map<number, Uint8Array[]>();
  readonly #ended = new Set<number>();
  #isClosed = false;
  #wake = new Set<() => void>();

  constructor(private readonly socket: WebSocket) {
    socket.on('message', (data) => this.#take(bufferOf(data)));
    socket.on('close', () => {
      this.#isClosed = true;
      this.#rouse();
    });
    socket.on('error', () => undefined); // `close` follows
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Waits while the other side takes nothing. */
  async send(channel: number, bytes: Uint8Array): Promise<void> {
    if (this.#isClosed) return;
    const message = Buffer.concat([Buffer.of(channel), bytes]);
    await new Promise<void>((resolve) => {
      this.socket.send(message, () => resolve());
      if (this.socket.bufferedAmount <= mostUnsent) resolve();
    });
  }

  /** What has come on a channel, piece by piece; undefined at its end. */
  async receive(channel: number): Promise<Uint8Array | undefined> {
    for (;;) {
      const piece = this.#inputs.get(channel)?.shift();
      if (piece !== undefined) return piece;
      if (this.#ended.has(channel) || this.#isClosed) return undefined;
      await new Promise<void>((resolve) => this.#wake.add(resolve));
    }
  }

  close(): void {
    this.socket.close();
  }

  #take(message: Buffer): void {
    const channel = message[0];
    if (channel === undefined) return;
    if (channel === closeChannel) this.#ended.add(message[1] ?? closeChannel);
    else this.#inputs.set(channel, [...(this.#inputs.get(channel) ?? []), message.subarray(1)]);
    this.#rouse();
  }

  #rouse(): void {
    const woken = [...this.#wake];
    this.#wake.clear();
    for (const wake of woken) wake();
  }
}

const bufferOf = (data: RawData): Buffer =>
  Array.isArray(data) ? Buffer.concat(data) : Buffer.isBuffer(data) ? data : Buffer.from(data);

const servers = new Map<string, WebSocketServer>();

/** Takes a request over as a websocket, in the first of these protocols that the client offers. */
export function acceptChannels(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  protocols: readonly string[],
): Promise<ServerChannels> {
  const key = protocols.join();
  const handleProtocols = (offered: Set<string>) => protocols.find((protocol) => offered.has(protocol)) ?? false;
  const server = servers.get(key) ?? new WebSocketServer({ noServer: true, handleProtocols, perMessageDeflate: false });
  servers.set(key, server);
  return new Promise((resolve) => {
    server.handleUpgrade(request, socket, head, (accepted) => resolve(new ServerChannels(accepted)));
  });
}
