import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Clock,
  defaultObjectPolicy,
  type JsonObject,
  type ObjectPolicy,
  systemClock,
  type TombstoneMode,
} from '#domain';
import { type HollowCluster, startHollowCluster } from '#hollow';
import { type ClusterAccess, connectCluster, kubeMember, type MemberCluster } from '#kube';
import { createLogger, silentLogger } from '#platform';
import { type IdentityKeeper, memoryKeeper, type RunningAgent, startAgent } from '../../apps/agent/index.js';
import { type HubConfig, hubDefaults, type RunningHub, startHub } from '../../apps/hub/index.js';
import { startTestDatabase, type TestDatabase } from '../../libs/store/testing/database.js';

/** Hub, hollow clusters and agents on a real database; everything that a test starts ends with it. */
export interface LineHarness {
  database: TestDatabase;
  /** Where the hub keeps its authority. */
  directory: string;
  hub(): RunningHub;
  restartHub(overrides?: Partial<HubConfig>): Promise<void>;
  stopHub(): Promise<void>;
  /** Registers a cluster as the gateway would; answers a token for it. */
  register(cluster: string, token?: { expiresInMs?: number; fingerprint?: string }): Promise<string>;
  newToken(cluster: string, options?: { expiresInMs?: number; fingerprint?: string }): Promise<string>;
  hollow(name: string): Promise<HollowCluster>;
  /** Its member is reached as told; the agent ends with the harness. */
  agent(options: { member: MemberAccess; token?: string; identity?: IdentityKeeper }): Promise<RunningAgent>;
  putWork(work: WorkOrder): Promise<{ id: string; sequence: bigint; generation: bigint }>;
  putTombstone(order: TombstoneOrder): Promise<string>;
  close(): Promise<void>;
}

/** Where a member answers, and with what it is called. */
export interface MemberAccess {
  url: string;
  token?: string | undefined;
  /** PEM. */
  ca?: string | undefined;
}

export interface WorkOrder {
  cluster: string;
  component: string;
  manifests: (id: string) => JsonObject[];
  id?: string;
  policy?: Partial<ObjectPolicy>;
}

export interface TombstoneOrder {
  cluster: string;
  workId: string;
  object: { apiVersion: string; kind: string; namespace: string; name: string };
  uid: string;
  mode?: TombstoneMode;
}

export const namespace = 'berth-test';
const log = process.env.BERTH_TEST_LOG === undefined ? silentLogger() : createLogger({ app: 'line', level: 'debug' });

/** Short times, so that tests are quick; the proportions are those of production. */
const quick = { leaseTtlMs: 1_500, heartbeatIntervalMs: 300, scanIntervalMs: 300 };

/** `clock` is the hub's. */
export async function startLineHarness(
  overrides: Partial<HubConfig> = {},
  clock: Clock = systemClock,
): Promise<LineHarness> {
  const database = await startTestDatabase();
  const directory = await mkdtemp(join(tmpdir(), 'berth-line-'));
  const closing: (() => Promise<unknown>)[] = [];
  const config: HubConfig = {
    ...hubDefaults,
    ...quick,
    databaseUrl: database.urlFor('berth_hub'),
    directory,
    listen: { host: '127.0.0.1', port: 0 },
    ...overrides,
  };
  let hub: RunningHub | undefined = await startHub(config, { log, clock });
  const running = () => {
    if (hub === undefined) throw new Error('the hub is stopped');
    return hub;
  };
  const port = Number(hub.address.split(':').at(-1));
  const newToken: LineHarness['newToken'] = async (cluster, { expiresInMs = 60_000, fingerprint } = {}) => {
    const id = randomBytes(8).toString('hex');
    const secret = randomBytes(32).toString('base64url');
    await database.query(
      `INSERT INTO enrolment_tokens (id, cluster_id, secret_hash, expires_at) VALUES ($1, $2, $3, clock_timestamp() + $4 * interval '1 ms')`,
      [id, cluster, createHash('sha256').update(secret).digest(), expiresInMs],
    );
    return `enrol_${id}_${secret}_${fingerprint ?? running().authorityFingerprint}`;
  };
  return {
    database,
    directory,
    hub: running,
    newToken,
    restartHub: async (again) => {
      await hub?.close();
      hub = await startHub({ ...config, listen: { host: '127.0.0.1', port }, ...again }, { log, clock });
    },
    stopHub: async () => {
      await hub?.close();
      hub = undefined;
    },
    register: async (cluster, token) => {
      await database.query(`INSERT INTO clusters (id) VALUES ($1)`, [cluster]);
      await database.query(`INSERT INTO cluster_capacity (cluster_id) VALUES ($1)`, [cluster]);
      await database.query(`INSERT INTO cluster_agents (cluster_id) VALUES ($1)`, [cluster]);
      return newToken(cluster, token);
    },
    hollow: async (name) => {
      const nodes = { count: 2, cpu: '4', memory: '8Gi' };
      const cluster = await startHollowCluster({ name, nodes, readyDelayMs: [10, 50], terminateDelayMs: [5, 20] });
      closing.push(() => cluster.close());
      return cluster;
    },
    agent: async ({ member, token, identity = memoryKeeper() }) => {
      const agent = await startAgent({
        hub: `127.0.0.1:${port}`,
        identity,
        token,
        member: await memberAt(member),
        log: log.child({ part: 'agent' }),
      });
      closing.unshift(() => agent.close());
      return agent;
    },
    putWork: (work) => putWork(database, work),
    putTombstone: (order) => putTombstone(database, order),
    close: async () => {
      for (const close of closing) await close();
      await hub?.close();
      await database.close();
      await rm(directory, { recursive: true });
    },
  };
}

const memberAt = async ({ url, token, ca }: MemberAccess): Promise<MemberCluster> => {
  const access: ClusterAccess = {
    kind: 'token',
    url,
    ...(token === undefined ? {} : { token }),
    ...(ca === undefined ? {} : { ca }),
  };
  return kubeMember(await connectCluster(access, { userAgent: 'berth-agent/test' }));
};

/** Writes a work as the scheduler would: the next sequence under the capacity lock, announced in the outbox. */
async function putWork(database: TestDatabase, order: WorkOrder) {
  const { cluster, component, manifests, id = randomUUID(), policy } = order;
  const [row] = await database.query<{ sequence: string; generation: string }>(
    `WITH next AS (UPDATE cluster_capacity SET work_sequence = work_sequence + 1 WHERE cluster_id = $1 RETURNING work_sequence),
     work AS (
       INSERT INTO works (id, cluster_id, tenant_id, project_id, environment_id, application_id, application_uid, component,
         release_number, namespace, sequence, wanted, manifests, policy)
       SELECT $2, $1, 'acme', 'shop', 'production', 'store', '00000000-0000-4000-8000-000000000001', $3, 1, $4,
         work_sequence, jsonb_array_length($5::jsonb) > 0, $5::jsonb, $6::jsonb FROM next
       ON CONFLICT (id) DO UPDATE SET sequence = excluded.sequence, manifests = excluded.manifests,
         wanted = excluded.wanted, policy = excluded.policy, generation = works.generation + 1
       RETURNING sequence, generation),
     told AS (INSERT INTO outbox (kind, resource) VALUES ('work', $1))
     SELECT sequence, generation FROM work`,
    [
      ...[cluster, id, component, namespace, JSON.stringify(manifests(id))],
      policy === undefined ? null : JSON.stringify({ ...defaultObjectPolicy, ...policy }),
    ],
  );
  if (row === undefined) throw new Error(`cluster ${cluster} is not registered`);
  return { id, sequence: BigInt(row.sequence), generation: BigInt(row.generation) };
}

async function putTombstone(
  database: TestDatabase,
  { cluster, workId, object, uid, mode = 'delete' }: TombstoneOrder,
): Promise<string> {
  const id = randomUUID();
  await database.query(
    `WITH next AS (UPDATE cluster_capacity SET work_sequence = work_sequence + 1 WHERE cluster_id = $1 RETURNING work_sequence),
     told AS (INSERT INTO outbox (kind, resource) VALUES ('work', $1))
     INSERT INTO tombstones (id, cluster_id, tenant_id, work_id, sequence, generation, api_version, kind, namespace, name, uid, mode)
     SELECT $2, $1, 'acme', $3, work_sequence, 1, $4, $5, $6, $7, $8, $9 FROM next`,
    [cluster, id, workId, object.apiVersion, object.kind, object.namespace, object.name, uid, mode],
  );
  return id;
}

/** Waits for a condition; fails with what was found last. */
export async function eventually<T>(
  look: () => Promise<T>,
  holds: (found: T) => boolean,
  withinMs = 20_000,
): Promise<T> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const found = await look();
    if (holds(found)) return found;
    if (Date.now() > deadline) throw new Error(`not within ${withinMs} ms; found last: ${show(found)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const show = (found: unknown): string =>
  JSON.stringify(found, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));

export const configMap = (name: string, data: Record<string, string>): JsonObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace, labels: { 'app.kubernetes.io/managed-by': 'berth' } },
  data,
});

export const deployment = (name: string, workId: string, replicas = 2): JsonObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace, labels: { 'app.kubernetes.io/managed-by': 'berth' } },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: {
        labels: { app: name, 'app.kubernetes.io/managed-by': 'berth', 'berth.dev/work': workId },
      },
      spec: {
        containers: [
          { name: 'main', image: 'example.test/app:1', resources: { requests: { cpu: '100m', memory: '64Mi' } } },
        ],
      },
    },
  },
});
