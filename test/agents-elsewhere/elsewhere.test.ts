import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ClusterAccess, connectCluster, identityOf, kubeMember } from '#kube';
import { silentLogger } from '#platform';
import { type DirectoryAgents, startDirectoryAgents } from '../../apps/agent/index.js';
import { describeMembers, type TestMembers } from '../kubernetes/members.js';
import { configMap, eventually, type LineHarness, namespace, startLineHarness } from '../line/harness.js';

const nodes = { count: 1, cpu: '4', memory: '8Gi' };

/** Clusters one and three are hollow; two is of the sort that is tried. */
describeMembers('one process that serves clusters by their kubeconfigs', (flavour) => {
  let harness: LineHarness;
  let tried: TestMembers;
  const members = new Map<string, { kubeconfig: string; access: ClusterAccess }>();
  let directory: string;
  let agents: DirectoryAgents;

  const start = () =>
    startDirectoryAgents({
      ...{ directory, hub: harness.hub().address, log: silentLogger(), scanEveryMs: 100 },
      connect: async (kubeconfig) =>
        kubeMember(await connectCluster({ kind: 'kubeconfig', ...kubeconfig }, { userAgent: 'berth-test' })),
    });

  /** As the CLI does: whole, under a name that is not looked at, then renamed. */
  const put = async (name: string, kubeconfig: string, token?: string): Promise<void> => {
    const draft = join(directory, `.${name}`);
    await mkdir(draft, { mode: 0o700 });
    await writeFile(join(draft, 'kubeconfig'), kubeconfig, { mode: 0o600 });
    if (token !== undefined) await writeFile(join(draft, 'token'), `${token}\n`, { mode: 0o600 });
    await rename(draft, join(directory, name));
  };

  const facts = async (cluster: string) => {
    const [row] = await harness.database.query(
      `SELECT c.phase, a.connected, a.epoch, a.lease_expires_at > clock_timestamp() AS alive
       FROM clusters c JOIN cluster_agents a ON a.cluster_id = c.id WHERE c.id = $1`,
      [cluster],
    );
    return row;
  };
  const isServed = (cluster: string) =>
    eventually(
      () => facts(cluster),
      (row) => row?.phase === 'ready' && row.alive === true,
      30_000,
    );

  beforeAll(async () => {
    harness = await startLineHarness();
    tried = await flavour.start(['two'], nodes);
    for (const { name, kubeconfig, access } of tried.members) members.set(name, { kubeconfig, access });
    for (const name of ['one', 'three']) {
      const { kubeconfig, url, token } = await harness.hollow(name);
      members.set(name, { kubeconfig, access: { kind: 'token', url, token } });
    }
    directory = await mkdtemp(join(tmpdir(), 'berth-elsewhere-'));
    agents = await start();
  }, 120_000);

  afterAll(async () => {
    await agents?.close();
    await harness?.close();
    await tried?.close();
    await rm(directory, { recursive: true, force: true });
  });

  const memberOf = (name: string) => {
    const member = members.get(name);
    if (member === undefined) throw new Error(`no member ${name}`);
    return member;
  };
  const kubeconfigOf = (name: string): string => memberOf(name).kubeconfig;

  const lease = async (cluster: string) => {
    const [row] = await harness.database.query(`SELECT lease_expires_at FROM cluster_agents WHERE cluster_id = $1`, [
      cluster,
    ]);
    return { lease_expires_at: Number(row?.lease_expires_at) };
  };

  it('enrols each with its own token, which is gone afterwards, and keeps identities to itself', async () => {
    for (const name of ['one', 'two']) await put(name, kubeconfigOf(name), await harness.register(name));
    for (const name of ['one', 'two']) {
      await isServed(name);
      const files = await eventually(
        () => readdir(join(directory, name)),
        (found) => !found.includes('token'),
      );
      expect(files.sort()).toEqual(['identity.json', 'kubeconfig']);
      expect((await stat(join(directory, name, 'identity.json'))).mode & 0o777).toBe(0o600);
      const identity: unknown = JSON.parse(await readFile(join(directory, name, 'identity.json'), 'utf8'));
      expect(identity).toMatchObject({ cluster: name });
    }
    expect(agents.served().sort()).toEqual(['one', 'two']);
  });

  it('leaves the others alone when a kubeconfig is broken, and heals by itself when it is put right', async () => {
    const before = await facts('one');
    await put('three', 'this: is: no kubeconfig', await harness.register('three'));
    await eventually(
      async () => agents.served(),
      (served) => served.includes('three'),
    );
    expect((await facts('three'))?.phase).toBe('pending');
    await writeFile(join(directory, 'three', 'kubeconfig'), kubeconfigOf('three'), { mode: 0o600 });
    await isServed('three');
    expect(await facts('one')).toMatchObject({ epoch: before?.epoch, connected: true });
  });

  it('waits for nobody who waits: an exec plug-in that hangs holds up its own cluster alone', async () => {
    const stuck = JSON.stringify({
      'current-context': 'stuck',
      contexts: [{ name: 'stuck', context: { cluster: 'stuck', user: 'stuck' } }],
      clusters: [{ name: 'stuck', cluster: { server: 'https://127.0.0.1:1' } }],
      users: [
        { name: 'stuck', user: { exec: { command: process.execPath, args: ['-e', 'setInterval(() => 0, 1e6)'] } } },
      ],
    });
    await put('stuck', stuck, await harness.register('stuck'));
    await eventually(
      async () => agents.served(),
      (served) => served.includes('stuck'),
    );
    const { lease_expires_at: before } = await lease('one');
    await eventually(
      () => lease('one'),
      (row) => row.lease_expires_at > before,
    );
    expect((await facts('stuck'))?.phase).toBe('pending');
    await rm(join(directory, 'stuck'), { recursive: true });
  });

  it('brings works into each cluster, and into no other', async () => {
    for (const cluster of ['one', 'two'])
      await harness.putWork({
        ...{ cluster, component: 'web' },
        manifests: () => [configMap(`of-${cluster}`, { cluster })],
      });
    for (const cluster of ['one', 'two']) {
      const client = await connectCluster(memberOf(cluster).access, { userAgent: 'berth-test' });
      const names = async (): Promise<string[]> => {
        const found: string[] = [];
        for await (const { items } of client.list({ apiVersion: 'v1', kind: 'ConfigMap' }, { namespace }))
          found.push(...items.map((item) => identityOf(item).name).filter((name) => name.startsWith('of-')));
        return found;
      };
      expect(await eventually(names, (found) => found.length > 0)).toEqual([`of-${cluster}`]);
      await client.close();
    }
  });

  it('ends with its folder', async () => {
    await rm(join(directory, 'three'), { recursive: true });
    await eventually(
      () => facts('three'),
      (row) => row?.connected === false || row?.alive === false,
      20_000,
    );
    expect(agents.served()).not.toContain('three');
  });

  it('is the same clusters again after a restart, without tokens', async () => {
    const before = await facts('two');
    await agents.close();
    agents = await start();
    const after = await eventually(
      () => facts('two'),
      (row) => Number(row?.epoch) > Number(before?.epoch) && row?.alive === true,
      20_000,
    );
    expect(after).toMatchObject({ phase: 'ready', connected: true });
  });

  it('says that the directory cannot be read', async () => {
    await expect(
      startDirectoryAgents({
        ...{ directory: join(directory, 'nowhere'), hub: 'x:1', log: silentLogger() },
        connect: () => Promise.reject(new Error('not called')),
      }),
    ).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
