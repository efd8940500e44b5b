import { mkdtemp, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { fingerprint, type GatewayHarness, startGatewayHarness } from '../gateway/harness.js';
import { until } from '../kubernetes/until.js';
import { cliOn, rowsOf, startCli } from './runner.js';

describe('berth, for operators', () => {
  let harness: GatewayHarness;
  let berth: ReturnType<typeof cliOn>;
  let owner: ReturnType<typeof cliOn>;
  let server: string;
  beforeAll(async () => {
    harness = await startGatewayHarness();
    server = harness.gateway.grpcAddress;
    berth = cliOn(server, harness.operatorKey);
    owner = cliOn(server, harness.ownerKey);
  });
  afterAll(() => harness.close());

  it('registers a cluster and says how to run its agent', async () => {
    const facts = ['--region', 'eu', '--zone', 'a', '--provider', 'own', '--label', 'tier=gold'];
    const run = await berth(['cluster', 'register', 'eu-1', ...facts, '--taint', 'gpu=yes:NoSchedule']);
    expect(run.code).toBe(0);
    const token = new RegExp(`enrol_[a-z0-9]+_[\\w-]+_${fingerprint}`).exec(run.out)?.[0] ?? 'none';
    expect(run.out).toContain('cluster eu-1 registered\n');
    expect(run.out).toContain(
      `npx berth-agent --hub hub.example:7443 --token ${token} --kubeconfig ~/.kube/config --directory ./agent-eu-1\n`,
    );
    expect(rowsOf((await berth(['clusters'])).out)[1]).toMatch(
      /^eu-1 \| eu \| a \| pending \| - \| .* \| gpu=yes:NoSchedule \| \d+s$/,
    );
  });

  it('hands a kubeconfig, narrowed to one context, and the token to agents that run elsewhere', async () => {
    const agents = join(await mkdtemp(join(tmpdir(), 'berth-cli-')), 'clusters');
    const user = { 'client-certificate': 'edge.crt', token: 'of-edge' };
    const whole = {
      'current-context': 'other',
      contexts: ['edge', 'other'].map((name) => ({ name, context: { cluster: name, user: name } })),
      clusters: ['edge', 'other'].map((name) => ({ name, cluster: { server: `https://${name}.example` } })),
      users: [{ name: 'edge', user }],
    };
    const files = { 'all.kubeconfig': JSON.stringify(whole), [resolve('edge.crt')]: 'PEM' };
    const place = ['--kubeconfig', 'all.kubeconfig', '--agents', agents];
    const wrong = await berth(['cluster', 'register', 'edge-7', ...place, '--context', 'none'], { files });
    expect(wrong).toMatchObject({ code: 2, err: expect.stringContaining('it has edge, other') });
    const run = await berth(['cluster', 'register', 'edge-7', ...place, '--context', 'edge'], { files });
    expect(run).toMatchObject({ code: 0, err: '' });
    expect(run.out).toContain(`npx berth-agent --hub hub.example:7443 --clusters ${agents}\n`);
    expect(run.out).not.toContain('enrol_');
    const folder = join(agents, 'edge-7');
    const kept: unknown = parse(await readFile(join(folder, 'kubeconfig'), 'utf8'));
    expect(kept).toMatchObject({
      'current-context': 'edge',
      clusters: [{ name: 'edge', cluster: { server: 'https://edge.example' } }],
      users: [{ user: { 'client-certificate-data': Buffer.from('PEM').toString('base64'), token: 'of-edge' } }],
    });
    for (const name of ['kubeconfig', 'token']) expect((await stat(join(folder, name))).mode & 0o777, name).toBe(0o600);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    const first = await readFile(join(folder, 'token'), 'utf8');
    expect(first).toMatch(/^enrol_/);

    await writeFile(join(folder, 'identity.json'), '{}');
    const again = await berth(['cluster', 'token', 'edge-7', ...place, '--context', 'edge'], { files });
    expect(again.code).toBe(0);
    expect(await readFile(join(folder, 'token'), 'utf8')).not.toBe(first);
    expect((await readdir(folder)).sort()).toEqual(['identity.json', 'kubeconfig', 'token']);
    expect(await readdir(agents)).toEqual(['edge-7']);
    expect(again.err, 'it is its own').toBe('');
    const twin = await berth(['cluster', 'register', 'edge-8', ...place, '--context', 'edge'], { files });
    expect(twin).toMatchObject({ code: 0, err: expect.stringMatching(/^warning: .* API server of edge-7, too: /) });
    const sibling = await berth(['cluster', 'register', 'edge-9', ...place, '--context', 'other'], { files });
    expect(sibling).toMatchObject({ code: 0, err: '' });
    expect(await berth(['cluster', 'token', 'edge-7', '--agents', agents])).toMatchObject({ code: 2 });
  });

  it('makes another token', async () => {
    const run = await berth(['cluster', 'token', 'eu-1'], { env: { KUBECONFIG: 'eu-1.kubeconfig' } });
    expect(run).toMatchObject({ code: 0, out: expect.stringMatching(/^token for eu-1, good once, ends in /) });
    expect(run.out).toContain(' --kubeconfig eu-1.kubeconfig --directory ');
  });

  it('changes labels, taints and cordon, and leaves the rest', async () => {
    expect((await berth(['cluster', 'label', 'eu-1', 'team=web', 'tier-'])).out).toBe('cluster eu-1 labelled\n');
    await berth(['cluster', 'taint', 'eu-1', 'gpu-', 'spot:NoExecute']);
    await berth(['cluster', 'cordon', 'eu-1']);
    const cluster: unknown = parse((await berth(['cluster', 'get', 'eu-1', '-o', 'yaml'])).out);
    expect(cluster).toMatchObject({
      region: 'eu',
      labels: { team: 'web' },
      taints: [{ key: 'spot', effect: 'NoExecute' }],
      cordoned: true,
    });
    await berth(['cluster', 'uncordon', 'eu-1']);
    expect(rowsOf((await berth(['cluster', 'get', 'eu-1'])).out)).toContain('cordoned | no');
  });

  it('refuses what makes no sense, and says what is allowed', async () => {
    const taint = await berth(['cluster', 'taint', 'eu-1', 'gpu=yes']);
    expect(taint).toMatchObject({ code: 2, err: expect.stringContaining('key=value:NoSchedule') });
    expect(await berth(['cluster', 'get', 'nowhere'])).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^error: NOT_FOUND: /),
    });
    expect(await berth(['cluster', 'register', 'eu-1'])).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^error: ALREADY_EXISTS: .*\n {2}"berth cluster token eu-1" makes another/),
    });
    const tenant = await owner(['cluster', 'register', 'eu-2']);
    expect(tenant).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^error: PERMISSION_DENIED: .*\n.*operator’s key/),
    });
  });

  it('shows what an operator should see to, and with -o wide which versions run and when each agent was heard', async () => {
    const told = async (id: string, type: string, message: string) =>
      harness.db.query(
        `INSERT INTO cluster_conditions (cluster_id, type, reason, message, since)
         VALUES ($1, $2, 'Why', $3, clock_timestamp() - interval '125 seconds')`,
        [id, type, message],
      );
    await told('eu-1', 'AgentRevoked', 'the agent was cut off');
    await told('eu-1', 'SameMember', 'registered as eu-9, too');
    await harness.db.query(
      `UPDATE cluster_agents SET epoch = 1, agent_version = '0.1.0', host_name = 'rack-1',
         heard_at = clock_timestamp() - interval '61 seconds' WHERE cluster_id = 'eu-1'`,
    );
    const row = async (...more: string[]) => {
      const rows = rowsOf((await berth(['clusters', ...more])).out);
      return rows.find((each) => each.startsWith('eu-1')) ?? 'no row';
    };
    expect(await row()).toMatch(/ \| AgentRevoked,SameMember,spot:NoExecute \| \d+s$/);
    expect(await row('-o', 'wide')).toMatch(/ \| - \| 0\.1\.0 \| 1m\d+s ago \| AgentRevoked,SameMember,/);
    const shown = (await berth(['cluster', 'get', 'eu-1'])).out;
    expect(rowsOf(shown)).toContain('runs on | rack-1');
    expect(shown).toMatch(/condition +AgentRevoked, for 2m\d+s \(Why\)\n +the agent was cut off\n/);
    const { conditions }: { conditions?: unknown } = JSON.parse(
      (await berth(['cluster', 'get', 'eu-1', '-o', 'json'])).out,
    );
    expect(conditions).toMatchObject([
      { type: 'CLUSTER_CONDITION_TYPE_AGENT_REVOKED', reason: 'Why', message: 'the agent was cut off' },
      { type: 'CLUSTER_CONDITION_TYPE_SAME_MEMBER' },
    ]);
    await harness.db.query('DELETE FROM cluster_conditions');
    expect(await row()).not.toContain('AgentRevoked');
  });

  it('names the kinds that a cluster serves by group and version, and all of them with -o json', async () => {
    const kinds = ['batch/v1/Job', 'v1/Pod', 'apps/v1/StatefulSet', 'apps/v1/Deployment'];
    await harness.db.query(
      `UPDATE cluster_capacity SET kinds = $1, reported_at = clock_timestamp() WHERE cluster_id = 'eu-1'`,
      [kinds],
    );
    const { out } = await berth(['cluster', 'get', 'eu-1']);
    expect(out).toMatch(/kinds served +4\n +apps\/v1: Deployment, StatefulSet\n +batch\/v1: Job\n +v1: Pod\n/);
    const read: { inventory?: unknown } = JSON.parse((await berth(['cluster', 'get', 'eu-1', '-o', 'json'])).out);
    expect(read.inventory).toMatchObject({ kinds: 4, servedKinds: kinds.sort() });
    expect((await berth(['clusters', '-o', 'json'])).out).not.toContain('servedKinds');
  });

  it('prints a line for each change that it watches', async () => {
    const stop = new AbortController();
    const run = startCli(['cluster', 'watch'], { server, key: harness.operatorKey, signal: stop.signal });
    await until('the first state', () => run.kept.out.includes('eu-1'));
    await berth(['cluster', 'cordon', 'eu-1']);
    await until('the change', () => run.kept.out.includes('cordoned'));
    await berth(['cluster', 'remove', 'eu-1', '--yes']);
    await until('its end', () => run.kept.out.includes('clusters/eu-1 is gone'));
    stop.abort();
    expect((await run.done).code).toBe(0);
  });

  it('makes tenants, projects, environments, quota and keys', async () => {
    const made = await berth(['tenant', 'create', 'shop']);
    const key = /berth_\S+/.exec(made.out)?.[0] ?? 'none';
    const shop = cliOn(server, key);
    expect((await shop(['project', 'create', 'web', '--tenant', 'shop'])).out).toBe('project web created\n');
    await berth(['quota', 'set', '--tenant', 'shop', '--project', 'web', '--cpu', '16', '--pods', '200']);
    const projects = rowsOf((await shop(['projects', '--tenant', 'shop'])).out);
    expect(projects.find((row) => row.startsWith('web'))).toMatch(/^web \| 0\/16 \| .*\/∞ \| 0\/200 \| /);
    await berth(['tenant', 'set', 'shop', '--weight', '3']);
    const tenants = rowsOf((await shop(['tenants'])).out);
    expect(tenants.find((row) => row.startsWith('shop'))).toMatch(/^shop \| - \| 3 \| /);
    expect((await berth(['tenant', 'set', 'shop', '--weight', '1001'])).err).toContain('found 1001; must be 1 to 1000');
    expect((await shop(['tenant', 'set', 'shop', '--weight', '9'])).code).not.toBe(0);
    const place = ['--project', 'tenants/shop/projects/web'];
    expect((await shop(['environment', 'create', 'staging', ...place])).out).toMatch(
      /^environment staging created; .* berth-/,
    );
    expect(rowsOf((await shop(['env', 'list', ...place])).out)).toHaveLength(3);
    const viewer = await shop(['key', 'create', '--role', 'viewer', '--expires', '12h', '--bound', ...place]);
    const viewerKey = /berth_\S+/.exec(viewer.out)?.[0] ?? 'none';
    expect(await cliOn(server, viewerKey)(['get', ...place])).toMatchObject({ code: 0, out: 'no applications\n' });
    const id = viewerKey.split('_')[1] ?? '';
    expect(rowsOf((await shop(['keys', ...place])).out).find((row) => row.startsWith(id))).toContain(
      'viewer | web | - | in 1',
    );
    expect((await shop(['key', 'revoke', id, '--yes', ...place])).out).toBe(`key ${id} revoked\n`);
    await until('the end of the key', async () => (await cliOn(server, viewerKey)(['get', ...place])).code === 1);
  });
});
