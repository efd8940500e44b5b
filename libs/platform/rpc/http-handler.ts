import type { RequestListener } from 'node:http';
import { type ConnectRouter, createConnectRouter, createContextValues } from '@connectrpc/connect';
import {
  compressionGzip,
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from '@connectrpc/connect-node';
import type { Logger } from '../log/logger.js';
import { connectionKey } from './connect-binding.js';

/**
 * Answers HTTP requests by Connect's routes; 404 for any other path. In place of Connect's own adapter, which prints
 * to standard error whenever a reader goes away in the middle of a stream.
 */
export const httpHandler = (options: {
  routes: (router: ConnectRouter) => void;
  maxRequestBytes: number;
  log: Logger;
}): RequestListener => {
  const router = createConnectRouter({
    grpc: false,
    readMaxBytes: options.maxRequestBytes,
    acceptCompression: [compressionGzip],
  });
  options.routes(router);
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
  return async (request, response) => {
    const handler = handlers.get(request.url?.split('?', 1)[0] ?? '');
    if (handler === undefined) {
      response.writeHead(404).end();
      return;
    }
    const { remoteAddress, remotePort } = request.socket;
    const connection = { peer: `${remoteAddress}:${remotePort}`, certificate: undefined };
    const values = createContextValues().set(connectionKey, connection);
    try {
      const answer = await handler(universalRequestFromNodeRequest(request, response, undefined, values));
      await universalResponseToNodeResponse(answer, response);
    } catch (err) {
      // What a handler threw was answered long before this: here the connection itself has failed.
      options.log.debug({ err, path: handler.requestPath }, 'the answer could not be written');
      response.destroy();
    }
  };
};
