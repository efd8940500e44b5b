import { createServer, type IncomingMessage, request as plainRequest, type ServerResponse } from 'node:http';
import { request as secureRequest } from 'node:https';
import type { AddressInfo } from 'node:net';

/** What an answer can be instead of the right one. `half`: it is done, and its answer breaks off midway. */
export type FaultyAnswer = 'too-many-requests' | 'internal-error' | 'half' | 'garbage';

/** An API server as seen through something that answers wrongly now and then. */
export interface FaultyServer {
  /** Plain HTTP. */
  readonly url: string;
  /** From now on calls whose method and path match are answered so; watches that are open break off. Returns how to end it. */
  answer(concerned: RegExp, how: FaultyAnswer): () => void;
  /** How often an answer was a wrong one. */
  wrongAnswers(): number;
  close(): Promise<void>;
}

const canned: Readonly<Record<Exclude<FaultyAnswer, 'half'>, { code: number; type: string; body: string }>> = {
  'too-many-requests': {
    ...{ code: 429, type: 'application/json' },
    body: JSON.stringify({ kind: 'Status', status: 'Failure', reason: 'TooManyRequests', code: 429 }),
  },
  'internal-error': {
    ...{ code: 500, type: 'application/json' },
    body: JSON.stringify({
      kind: 'Status',
      status: 'Failure',
      reason: 'InternalError',
      message: 'out of order',
      code: 500,
    }),
  },
  garbage: { code: 200, type: 'text/html', body: '<html><body>Please log in to the Wi-Fi</body></html>' },
};

export async function startFaultyServer(target: { url: string; ca?: string | undefined }): Promise<FaultyServer> {
  const to = new URL(target.url);
  let fault: { concerned: RegExp; how: FaultyAnswer } | undefined;
  let wrong = 0;

  const forward = (asked: IncomingMessage, response: ServerResponse, isHalf: boolean): void => {
    const { method, url: path, headers } = asked;
    const { hostname, port } = to;
    const options = { hostname, port, method, path, headers: { ...headers, host: to.host }, ca: target.ca };
    const send = to.protocol === 'https:' ? secureRequest : plainRequest;
    const call = send(options, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      if (!isHalf) return void answer.pipe(response);
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => {
        const whole = Buffer.concat(chunks);
        response.write(whole.subarray(0, whole.length / 2), () => response.destroy());
      });
    });
    call.on('error', () => response.destroy());
    response.on('close', () => call.destroy());
    asked.pipe(call);
  };

  const open = new Set<ServerResponse>();
  const server = createServer((asked, response) => {
    open.add(response);
    response.on('close', () => open.delete(response));
    const how = fault?.concerned.test(`${asked.method} ${asked.url}`) === true ? fault.how : undefined;
    if (how !== undefined) wrong += 1;
    if (how === undefined || how === 'half') return forward(asked, response, how === 'half');
    const { code, type, body } = canned[how];
    asked.resume();
    response.writeHead(code, { 'content-type': type, ...(code === 429 ? { 'retry-after': '1' } : {}) }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    answer: (concerned, how) => {
      fault = { concerned, how };
      for (const response of open) if (concerned.test(`GET ${response.req.url}`)) response.destroy();
      return () => {
        fault = undefined;
      };
    },
    wrongAnswers: () => wrong,
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
