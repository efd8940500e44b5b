import type { IncomingMessage } from 'node:http';
import { Agent, request as httpRequest } from 'node:http';
import { request as httpsRequest, Agent as SecureAgent } from 'node:https';

/** Where a Kubernetes API server is, and how to be let in. */
export interface ServerAccess {
  /** `https://127.0.0.1:6443`. */
  server: string;
  token?: string;
  headers?: Readonly<Record<string, string>>;
  /** PEM; without it a server's certificate is not checked (test servers sign their own). */
  ca?: string;
}

export interface HttpAnswer {
  code: number;
  body: unknown;
}

/** A few plain calls to an API server over kept-alive connections. */
export class HttpClient {
  private readonly agent: Agent | SecureAgent;
  private readonly send: typeof httpRequest;

  constructor(private readonly access: ServerAccess) {
    const secure = access.server.startsWith('https:');
    const trust = access.ca === undefined ? { rejectUnauthorized: false } : { ca: access.ca };
    this.agent = secure ? new SecureAgent({ keepAlive: true, ...trust }) : new Agent({ keepAlive: true });
    this.send = secure ? httpsRequest : httpRequest;
  }

  async call(method: string, path: string, body?: unknown, contentType = 'application/json'): Promise<HttpAnswer> {
    const response = await this.open(method, path, body, contentType);
    let text = '';
    response.setEncoding('utf8');
    for await (const chunk of response) text += chunk;
    const isJson = response.headers['content-type']?.includes('json') === true;
    return { code: response.statusCode ?? 0, body: isJson ? JSON.parse(text) : { message: text } };
  }

  /** The answer as it comes; for watches. Rejects when `signal` ends it. */
  open(
    method: string,
    path: string,
    body?: unknown,
    contentType = 'application/json',
    signal?: AbortSignal,
  ): Promise<IncomingMessage> {
    const { server, token, headers } = this.access;
    const text = body === undefined ? undefined : JSON.stringify(body);
    // Node sends a DELETE's body without any length unless told.
    const framing =
      text === undefined ? {} : { 'content-type': contentType, 'content-length': Buffer.byteLength(text) };
    return new Promise((resolve, reject) => {
      const request = this.send(
        new URL(path, server),
        {
          method,
          agent: this.agent,
          headers: {
            'user-agent': 'pretend-kubelet/1',
            ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
            ...framing,
            ...headers,
          },
          ...(signal === undefined ? {} : { signal }),
        },
        resolve,
      );
      request.on('error', reject);
      request.end(text);
    });
  }

  close(): void {
    this.agent.destroy();
  }
}
