import type { ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type ClusterAccess, connectCluster } from '#kube';
import { selfSigned } from '../../libs/hollow/http/certificate.js';

/** The one thing of a kubelet that an API server calls for logs: `GET /containerLogs/{namespace}/{pod}/{container}`. */
export interface FakeKubelet {
  /** What was asked for, as path and query. */
  readonly asked: readonly string[];
  /** Ends the streams of a pod, as a kubelet does when its containers stop. */
  stop(pod: string): void;
  close(): Promise<void>;
}

const path = /^\/containerLogs\/([^/]+)\/([^/]+)\/([^/]+)$/;
const printed = 20;
const everyMs = 50;

interface Stream {
  pod: string;
  response: ServerResponse;
  timer: NodeJS.Timeout;
}

/** Serves the logs of every pod of a cluster, by telling its API server that all nodes are here. */
export async function startFakeKubelet(access: ClusterAccess): Promise<FakeKubelet> {
  const asked: string[] = [];
  const streams = new Set<Stream>();
  const server = createServer(await selfSigned('kubelet', Date.now()), (request, response) => {
    const url = new URL(request.url ?? '/', 'https://kubelet');
    asked.push(`${url.pathname}${url.search}`);
    const [, , pod = '', container = ''] = path.exec(url.pathname) ?? [];
    if (pod === '') return void response.writeHead(404).end();
    const text = (line: number) => `line ${line} of ${container} in ${pod}\n`;
    let next = printed - Number(url.searchParams.get('tailLines') ?? printed);
    response.writeHead(200, { 'content-type': 'text/plain' });
    for (; next < printed; next++) response.write(text(next));
    if (url.searchParams.get('follow') !== 'true') return void response.end();
    const timer = setInterval(() => response.write(text(next++)), everyMs);
    const stream = { pod, response, timer };
    streams.add(stream);
    response.on('close', () => {
      clearInterval(timer);
      streams.delete(stream);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  await claimNodes(access, (server.address() as AddressInfo).port);
  const stop = (concerns: (stream: Stream) => boolean) => {
    for (const stream of [...streams].filter(concerns)) {
      clearInterval(stream.timer);
      stream.response.end();
    }
  };
  return {
    asked,
    stop: (pod) => stop((stream) => stream.pod === pod),
    close: async () => {
      stop(() => true);
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** An API server calls a node's kubelet by the first address that it has, and prefers host names. */
async function claimNodes(access: ClusterAccess, port: number): Promise<void> {
  const client = await connectCluster(access, { userAgent: 'fake-kubelet' });
  const status = {
    addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
    daemonEndpoints: { kubeletEndpoint: { Port: port } },
  };
  try {
    const kind = { apiVersion: 'v1', kind: 'Node' };
    for await (const { items } of client.list(kind))
      for (const { metadata } of items) {
        if (typeof metadata !== 'object' || Array.isArray(metadata) || typeof metadata?.name !== 'string') continue;
        const ref = { ...kind, namespace: '', name: metadata.name };
        await client.patchMerge(ref, { status }, { subresource: 'status' });
      }
  } finally {
    await client.close();
  }
}
