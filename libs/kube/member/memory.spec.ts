import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, it } from 'vitest';
import { berthAnnotations, berthLabels, type JsonObject } from '#domain';
import { connectCluster } from '../client/client.js';
import { kubeMember } from './kube-member.js';

const objects = 10_000;

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

const heldBytes = (): number => {
  collect();
  collect();
  return process.memoryUsage().heapUsed;
};

const uid = (index: number): string => `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`;
const managed: JsonObject = { 'f:metadata': { 'f:labels': { 'f:berth.dev/work': {}, 'f:app': {} } } };

/** Metadata as a real server sends it, with who wrote which field. */
const metadataOf = (index: number): JsonObject => ({
  name: `component-${index}-settings`,
  namespace: `berth-namespace-${index % 50}`,
  uid: uid(index),
  resourceVersion: `${1_000_000 + index}`,
  creationTimestamp: '2030-01-01T00:00:00Z',
  labels: {
    app: `component-${index}`,
    [berthLabels.managedBy]: berthLabels.managedByValue,
    [berthLabels.work]: uid(index % 5_000),
    [berthLabels.component]: `component-${index % 100}`,
  },
  annotations: { [berthAnnotations.generation]: '1', [berthAnnotations.digest]: 'd'.repeat(32) },
  managedFields: [
    { manager: 'berth', operation: 'Apply', apiVersion: 'v1', fieldsType: 'FieldsV1', fieldsV1: managed },
  ],
});

const configMap = (index: number): JsonObject => ({ metadata: metadataOf(index) });

const pod = (index: number): JsonObject => ({
  metadata: metadataOf(index),
  spec: {
    nodeName: `node-${index % 200}`,
    containers: [{ name: 'app', image: 'registry.example/app:1', resources: { requests: { cpu: '100m' } } }],
  },
  status: {
    phase: 'Running',
    conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2030-01-01T00:00:00Z' }],
    containerStatuses: [{ name: 'app', ready: true, restartCount: 0, image: 'registry.example/app:1' }],
  },
});

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A server that lists 10,000 of one resource, page by page, and nothing of any other. */
async function memberWith(plural: string, item: (index: number) => JsonObject) {
  const json = (response: ServerResponse, body: unknown) => {
    response.setHeader('content-type', 'application/json').end(JSON.stringify(body));
  };
  const resources = [
    { name: 'configmaps', kind: 'ConfigMap' },
    { name: 'pods', kind: 'Pod' },
    { name: 'events', kind: 'Event' },
  ].map((each) => ({ ...each, singularName: '', namespaced: true, verbs: ['get', 'list', 'watch'] }));
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://member');
    if (pathname === '/api') return json(response, { kind: 'APIVersions', versions: ['v1'] });
    if (pathname === '/apis') return json(response, { kind: 'APIGroupList', groups: [] });
    if (pathname === '/api/v1') return json(response, { kind: 'APIResourceList', groupVersion: 'v1', resources });
    if (searchParams.get('watch') === 'true') return void response.writeHead(200).flushHeaders();
    const total = pathname === `/api/v1/${plural}` ? objects : 0;
    const from = Number(searchParams.get('continue') ?? 0);
    const to = Math.min(total, from + Number(searchParams.get('limit')));
    const items = Array.from({ length: to - from }, (_, offset) => item(from + offset));
    json(response, { metadata: { resourceVersion: '9', ...(to < total ? { continue: `${to}` } : {}) }, items });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(async () => {
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const member = kubeMember(await connectCluster({ kind: 'token', url }, { userAgent: 'memory' }));
  closing.push(() => member.close());
  return member;
}

describe('what the agent keeps of each object', () => {
  it.each([
    ['ConfigMap, of which it watches metadata alone', 'configmaps', configMap, 1_300],
    ['pod of a work', 'pods', pod, 1_300],
  ])(
    '%s, is little',
    async (what, plural, item, mostBytes) => {
      const member = await memberWith(plural, item);
      const life = new AbortController();
      const before = heldBytes();
      const watch = member.watchOwned({ onChange: () => undefined, signal: life.signal });
      await watch.synced;
      expect(watch.works()).toHaveLength(5_000);
      const bytes = Math.round((heldBytes() - before) / objects);
      console.info(`kept of each ${what}: ${bytes} bytes of heap (${objects} objects)`);
      expect(bytes).toBeLessThan(mostBytes);
      life.abort(new Error('the test is over'));
      await watch.done;
    },
    60_000,
  );
});
