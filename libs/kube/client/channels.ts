import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { type RawData, WebSocket } from 'ws';
import type { JsonValue, Millis } from '#domain';
import type { Credentials } from './credentials.js';
import { ClusterUnreachable, type KubeError } from './errors.js';
import { refusalOf } from './refusals.js';

/** Unread bytes at which the server is left waiting. */
const unreadBytes = 64 * 1024;
const largestMessage = 16 * 1024 * 1024;

/**
 * Several streams of bytes over one websocket, each message beginning with its channel's number: what `exec` and
 * `portforward` speak (`k8s.io/apimachinery/pkg/util/remotecommand`, `k8s.io/apiserver/pkg/util/wsstream`).
 */
export interface Channels {
  /** The protocol that the server chose. */
  readonly protocol: string;
  /** Resolves when the message is on its way. A message for a connection that is gone is dropped: `messages` ends. */
  write(channel: number, bytes: Uint8Array): Promise<void>;
  /** As they come, no faster than they are taken; ends when the server closes. Throws ClusterUnreachable when it is cut. */
  readonly messages: AsyncIterable<ChannelMessage>;
  close(): void;
}

export interface ChannelMessage {
  channel: number;
  bytes: Uint8Array;
}

export interface ChannelsCall {
  /** With the query. */
  url: string;
  /** As it is told in errors. */
  call: string;
  protocols: readonly string[];
  credentials: Credentials;
  userAgent: string;
}

/** @throws KubeError when the server refuses or does not answer in time. */
export async function openChannels(
  { url, call, protocols, credentials, userAgent }: ChannelsCall,
  { signal, timeoutMs }: { signal: AbortSignal; timeoutMs: Millis },
): Promise<Channels> {
  signal.throwIfAborted();
  const socket = new WebSocket(url.replace(/^http/, 'ws'), [...protocols], {
    ...credentials.tls,
    headers: { ...credentials.headers, 'user-agent': userAgent },
    handshakeTimeout: timeoutMs,
    perMessageDeflate: false,
    maxPayload: largestMessage,
  });
  const give = (): void => socket.terminate();
  signal.addEventListener('abort', give, { once: true });
  socket.once('close', () => signal.removeEventListener('abort', give));
  const inbox = new Inbox(socket, call);
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', (cause) => reject(new ClusterUnreachable({ call }, cause.message, { cause })));
    socket.once('unexpected-response', (_request, response) => {
      void refused(call, response).then(reject, reject).finally(give);
    });
  });
  return {
    protocol: socket.protocol,
    write: (channel, bytes) => send(socket, channel, bytes),
    messages: inbox.messages(),
    close: () => socket.close(),
  };
}

async function refused(call: string, response: IncomingMessage): Promise<KubeError> {
  const body = await text(response);
  return refusalOf(call, response.statusCode ?? 0, parsed(body) ?? { message: body.slice(0, 300) });
}

function parsed(body: string): JsonValue | undefined {
  try {
    return JSON.parse(body) as JsonValue;
  } catch {
    return undefined; // a kubelet answers some refusals in plain text
  }
}

function send(socket: WebSocket, channel: number, bytes: Uint8Array): Promise<void> {
  const message = Buffer.allocUnsafe(bytes.byteLength + 1);
  message[0] = channel;
  message.set(bytes, 1);
  return new Promise((resolve) => socket.send(message, () => resolve()));
}

const bufferOf = (data: RawData): Buffer =>
  Array.isArray(data) ? Buffer.concat(data) : Buffer.isBuffer(data) ? data : Buffer.from(data);

/** What has come and is not taken yet; the socket is paused while that is much. */
class Inbox {
  readonly #held: ChannelMessage[] = [];
  #heldBytes = 0;
  #over: { error: Error | undefined } | undefined;
  #wake: () => void = () => undefined;

  constructor(
    private readonly socket: WebSocket,
    call: string,
  ) {
    let failure: Error | undefined;
    socket.on('message', (data) => this.#take(bufferOf(data)));
    socket.on('error', (cause) => {
      failure = new ClusterUnreachable({ call }, cause.message, { cause });
    });
    socket.on('close', (code) => {
      // 1000 and 1005 are an end, 1006 is a connection that was cut
      const cut = code === 1006 ? new ClusterUnreachable({ call }, 'the connection was cut') : undefined;
      this.#over = { error: failure ?? cut };
      this.#wake();
    });
  }

  async *messages(): AsyncGenerator<ChannelMessage, void, undefined> {
    for (;;) {
      const next = this.#held.shift();
      if (next !== undefined) {
        this.#heldBytes -= next.bytes.byteLength;
        if (this.#heldBytes <= unreadBytes && this.socket.isPaused) this.socket.resume();
        yield next;
      } else if (this.#over !== undefined) {
        if (this.#over.error !== undefined) throw this.#over.error;
        return;
      } else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }

  #take(message: Buffer): void {
    const channel = message[0];
    if (channel === undefined) return;
    const bytes = message.subarray(1);
    this.#held.push({ channel, bytes });
    this.#heldBytes += bytes.byteLength;
    if (this.#heldBytes > unreadBytes) this.socket.pause();
    this.#wake();
  }
}
