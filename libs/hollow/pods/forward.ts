import { fieldsAt, isFields, type Pod } from '../objects.js';
import type { ServerChannels } from './channels.js';

const channels = { data: 0, error: 1 } as const;
const httpRequest = /^[A-Z]+ (\S+) HTTP\/1\.[01]\r\n/;

const isServed = (pod: Pod, port: number): boolean =>
  pod.spec.containers.some((container) => {
    const declared: unknown = fieldsAt(container).ports;
    return Array.isArray(declared) && declared.filter(isFields).some(({ containerPort }) => containerPort === port);
  });

function page(pod: Pod, path: string): string {
  const body = `<h1>${pod.metadata.name}</h1><p>a hollow pod answers ${path}</p>\n`;
  const head = ['HTTP/1.1 200 OK', 'content-type: text/html', `content-length: ${body.length}`, 'connection: close'];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}

/** A connection to a port that a container declares: a page for an HTTP request, and everything else comes back. */
export async function serveForward(pod: Pod, port: number, socket: ServerChannels): Promise<void> {
  const prefix = Buffer.alloc(2);
  prefix.writeUInt16LE(port);
  await socket.send(channels.data, prefix);
  await socket.send(channels.error, prefix);
  if (!isServed(pod, port)) {
    const why = `failed to connect to localhost:${port} inside the pod: connect: connection refused`;
    await socket.send(channels.error, Buffer.from(`an error occurred forwarding ${port} -> ${port}: ${why}`));
    return socket.close();
  }
  for (let piece = await socket.receive(channels.data); piece; piece = await socket.receive(channels.data)) {
    const request = httpRequest.exec(Buffer.from(piece).toString('latin1'));
    if (request === null) await socket.send(channels.data, piece);
    else {
      await socket.send(channels.data, Buffer.from(page(pod, request[1] ?? '/')));
      return socket.close();
    }
  }
}
