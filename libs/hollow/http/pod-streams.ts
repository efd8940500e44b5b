import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Pod } from '../objects.js';
import { acceptChannels, channelProtocols } from '../pods/channels.js';
import { containerOf, startedAt } from '../pods/container.js';
import { serveExec } from '../pods/exec.js';
import { serveForward } from '../pods/forward.js';
import { type LogParts, serveLogs } from '../pods/logs.js';
import { ApiError, badRequest, notFound } from '../status.js';
import type { ResourceRequest } from './request.js';

const { closing, plain } = channelProtocols;
/** What of a pod is a stream, and no part of the object. */
const streams: ReadonlySet<string> = new Set(['log', 'exec', 'portforward']);

export const isPodStream = ({ resource, subresource }: ResourceRequest): boolean =>
  resource.plural === 'pods' && subresource !== undefined && streams.has(subresource);

/** Goes into pods that only pretend. */
export class PodStreams {
  constructor(private readonly parts: LogParts) {}

  /** @throws ApiError */
  answer(target: ResourceRequest, query: URLSearchParams, response: ServerResponse): void {
    if (target.subresource !== 'log') throw badRequest('Upgrade request required');
    serveLogs(this.parts, this.podOf(target), query, response);
  }

  /** @throws ApiError, as long as nothing has been answered. */
  async upgrade(
    target: ResourceRequest,
    query: URLSearchParams,
    { request, socket, head }: { request: IncomingMessage; socket: Duplex; head: Buffer },
  ): Promise<void> {
    const pod = this.podOf(target);
    if (target.subresource === 'portforward') {
      const port = Number(query.get('ports'));
      if (!(port > 0 && port < 65_536)) throw badRequest(`query parameter "ports" is required`);
      return serveForward(pod, port, await acceptChannels(request, socket, head, [plain]));
    }
    if (target.subresource !== 'exec') throw badRequest('no upgrade for this');
    const container = containerOf(pod, query.get('container') ?? '');
    startedAt(pod, container);
    const order = { container, command: query.getAll('command'), tty: query.get('tty') === 'true' };
    await serveExec(pod, order, await acceptChannels(request, socket, head, [closing, plain]));
  }

  private podOf({ resource, namespace = '', name = '' }: ResourceRequest): Pod {
    const pod = this.parts.store.get(resource, namespace, name);
    if (pod === undefined) throw notFound(resource, name);
    return pod as Pod;
  }
}

/** Refuses an upgrade as the HTTP server would have answered. */
export function refuseUpgrade(socket: Duplex, error: ApiError): void {
  const body = JSON.stringify(error.body());
  const head = [
    `HTTP/1.1 ${error.code} ${error.reason}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
