import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { connectCluster, type KubeClient } from './client.js';
import { AccessUnusable } from './credentials.js';
import { ClientClosed, ClusterUnreachable, GarbledAnswer, ServerFault } from './errors.js';
import { reflect } from './reflector.js';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

const groups: Readonly<Record<string, object>> = {
  '/api': { kind: 'APIVersions', versions: ['v1'] },
  '/apis': { kind: 'APIGroupList', groups: [{ versions: [{ groupVersion: 'broken.dev/v1' }] }] },
  '/api/v1': { resources: [{ name: 'configmaps', kind: 'ConfigMap', namespaced: true, verbs: ['list', 'watch'] }] },
};

const json = (response: ServerResponse, code: number, body: object): void => {
  response.writeHead(code, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
};

describe('a client of one cluster', () => {
  const closers: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });

  /** A server that answers discovery, with one group that is down, and hands the rest to `handle`. */
  const serve = async (handle: Handler): Promise<KubeClient> => {
    const server: Server = createServer((request, response) => {
      const known = groups[(request.url ?? '').split('?')[0] ?? ''];
      if (known !== undefined) json(response, 200, known);
      else if (request.url?.startsWith('/apis/broken.dev/')) json(response, 503, { kind: 'Status', code: 503 });
      else handle(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const client = await connectCluster(
      { kind: 'token', url },
      { userAgent: 'spec', retries: { firstMs: 1, longestMs: 5 } },
    );
    closers.push(async () => {
      await client.close();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    });
    return client;
  };

  it('repeats what may be repeated until the server is well', async () => {
    let calls = 0;
    const client = await serve((_, response) => {
      calls += 1;
      json(response, calls < 3 ? 503 : 200, { kind: 'Status', code: 503 });
    });
    await client.read('/version');
    expect(calls).toBe(3);
  });

  it('sends a merge patch once, whatever happens', async () => {
    let calls = 0;
    const client = await serve((_, response) => {
      calls += 1;
      json(response, 503, { kind: 'Status', code: 503 });
    });
    const ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'a', name: 'b' };
    await expect(client.patchMerge(ref, {})).rejects.toBeInstanceOf(ServerFault);
    expect(calls).toBe(1);
  });

  it('says so when the answer is no JSON', async () => {
    const client = await serve((_, response) => response.end('<html>a proxy</html>'));
    await expect(client.read('/version')).rejects.toBeInstanceOf(GarbledAnswer);
  });

  it('ends with the signal of the caller, and with its reason', async () => {
    const client = await serve(() => undefined);
    const controller = new AbortController();
    const waiting = client.read('/version', { signal: controller.signal });
    setTimeout(() => controller.abort(new RangeError('the caller went away')), 20);
    await expect(waiting).rejects.toThrow(RangeError);
  });

  it('does not take a kind for absent whose server is down', async () => {
    const client = await serve(() => undefined);
    const ref = { apiVersion: 'broken.dev/v1', kind: 'Thing', namespace: '', name: 'x' };
    await expect(client.get(ref)).rejects.toBeInstanceOf(ServerFault);
    expect((await client.discovery()).unavailable).toEqual(['broken.dev/v1']);
  });

  it('refuses every call once it is closed', async () => {
    const client = await serve(() => undefined);
    await client.close();
    await expect(client.read('/version')).rejects.toBeInstanceOf(ClientClosed);
  });

  it('says that nobody listens', async () => {
    const client = await connectCluster(
      { kind: 'token', url: 'http://127.0.0.1:1' },
      { userAgent: 'spec', retries: { tries: 2, firstMs: 1 } },
    );
    await expect(client.read('/version')).rejects.toBeInstanceOf(ClusterUnreachable);
    await client.close();
  });

  it('lists again after a line that is no event', async () => {
    let lists = 0;
    const client = await serve((request, response) => {
      if (request.url?.includes('watch=true')) {
        response.writeHead(200).flushHeaders();
        if (lists === 1) response.end('{"type":"ADDED","obj\n');
        return;
      }
      lists += 1;
      const metadata = { name: `seen-${lists}`, namespace: 'a', uid: `u${lists}`, resourceVersion: `${lists}` };
      json(response, 200, { metadata: { resourceVersion: '5' }, items: [{ metadata }] });
    });
    const life = new AbortController();
    const heard: string[] = [];
    const troubles: Error[] = [];
    const done = new Promise<void>((resolve) => {
      reflect<string>(client, {
        kind: { apiVersion: 'v1', kind: 'ConfigMap' },
        keep: (_, id) => id.name,
        onChange: ({ type, kept }) => heard.push(`${type} ${kept}`) === 3 && resolve(),
        onTrouble: ({ error }) => troubles.push(error),
        signal: life.signal,
      });
    });
    await done;
    life.abort(new Error('enough'));
    expect(heard).toEqual(['added seen-1', 'added seen-2', 'deleted seen-1']);
    expect(troubles[0]).toBeInstanceOf(GarbledAnswer);
  });

  it('goes where a kubeconfig says, with its token', async () => {
    const heard: (string | undefined)[] = [];
    const { server } = await serve((request, response) => {
      heard.push(request.headers.authorization);
      json(response, 200, {});
    });
    const yaml = JSON.stringify({
      'current-context': 'one',
      contexts: [{ name: 'one', context: { cluster: 'one', user: 'one' } }],
      clusters: [{ name: 'one', cluster: { server } }],
      users: [{ name: 'one', user: { token: 'spec-token' } }],
    });
    const client = await connectCluster({ kind: 'kubeconfig', yaml }, { userAgent: 'spec' });
    await client.read('/version');
    await client.close();
    expect(heard).toEqual(['Bearer spec-token']);
  });

  const execConfig = (server: string, command: string, args: readonly string[]) =>
    JSON.stringify({
      contexts: [{ name: 'two', context: { cluster: 'one', user: 'plug-in' } }],
      clusters: [{ name: 'one', cluster: { server } }],
      users: [{ name: 'plug-in', user: { exec: { apiVersion: 'client.authentication.k8s.io/v1', command, args } } }],
    });

  it('asks an exec plug-in for its token, told what it is asked for, in the context that is named', async () => {
    const heard: (string | undefined)[] = [];
    const { server } = await serve((request, response) => {
      heard.push(request.headers.authorization);
      json(response, 200, {});
    });
    const script = `const { kind } = JSON.parse(process.env.KUBERNETES_EXEC_INFO);
      console.log(JSON.stringify({ status: { token: kind === 'ExecCredential' ? 'from-plug-in' : '' } }))`;
    const yaml = execConfig(server, process.execPath, ['-e', script]);
    const client = await connectCluster({ kind: 'kubeconfig', yaml, context: 'two' }, { userAgent: 'spec' });
    await client.read('/version');
    await client.close();
    expect(heard).toEqual(['Bearer from-plug-in']);
  });

  it('is unreachable, and says why, while an exec plug-in fails', async () => {
    const yaml = execConfig('https://127.0.0.1:1', process.execPath, ['-e', 'process.exit(3)']);
    const client = await connectCluster({ kind: 'kubeconfig', yaml, context: 'two' }, { userAgent: 'spec' });
    await expect(client.read('/version', { timeoutMs: 2_000 })).rejects.toMatchObject({
      name: 'ClusterUnreachable',
      message: expect.stringContaining('failed (3)'),
    });
    await client.close();
  });

  it('refuses a kubeconfig without current context', async () => {
    const yaml = 'apiVersion: v1\nkind: Config\nclusters: []\ncontexts: []\nusers: []\n';
    await expect(connectCluster({ kind: 'kubeconfig', yaml }, { userAgent: 'spec' })).rejects.toBeInstanceOf(
      AccessUnusable,
    );
  });
});
