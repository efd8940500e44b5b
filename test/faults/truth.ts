import { berthLabels, isJsonObject, type JsonObject, type JsonValue } from '#domain';
import { connectCluster, identityOf, type KubeClient, kindKey } from '#kube';
import type { TestDatabase } from '../../libs/store/testing/database.js';
import type { FaultyMember } from './members.js';

/** Every kind that the load orders, and those beside which Berth could have made by mistake. */
const kinds = [
  ...['Namespace', 'ConfigMap', 'Secret', 'Service', 'ServiceAccount', 'PersistentVolumeClaim'].map((kind) => ({
    apiVersion: 'v1',
    kind,
  })),
  ...['Deployment', 'StatefulSet', 'DaemonSet'].map((kind) => ({ apiVersion: 'apps/v1', kind })),
  { apiVersion: 'batch/v1', kind: 'Job' },
];

const keyOf = ({ kind, namespace, name }: { kind: string; namespace: string; name: string }) =>
  `${kind} ${namespace}/${name}`;

/** Where the object is not as it was ordered: a path; undefined when it has all of it, each list to its length. */
function lacking(live: JsonValue | undefined, ordered: JsonValue | undefined, path = ''): string | undefined {
  if (Array.isArray(ordered)) {
    if (!Array.isArray(live) || live.length !== ordered.length) return path;
    return ordered.map((each, i) => lacking(live[i], each, `${path}[${i}]`)).find((found) => found !== undefined);
  }
  if (!isJsonObject(ordered)) return live === ordered ? undefined : `${path} (${JSON.stringify(live)})`;
  const fields = Object.entries(ordered);
  const has = isJsonObject(live) ? live : {};
  return fields.map(([field, value]) => lacking(has[field], value, `${path}.${field}`)).find((it) => it !== undefined);
}

interface WorkRow {
  id: string;
  application_id: string;
  component: string;
  wanted: boolean;
  generation: string;
  reported: string | null;
  phase: string | null;
  reasons: JsonValue;
  manifests: JsonObject[];
}

const works = `SELECT w.id, w.application_id, w.component, w.wanted, w.generation, s.generation AS reported, s.phase, s.reasons, w.manifests
  FROM works w LEFT JOIN work_status s ON s.work_id = w.id WHERE w.cluster_id = $1`;

/** Where a member and Postgres differ, a line each; empty when the member holds exactly what Postgres says, and it is told so. */
export async function discords(database: TestDatabase, member: FaultyMember, client: KubeClient): Promise<string[]> {
  const rows = await database.query<WorkRow>(works, [member.name]);
  const open = await database.query<{ kind: string; name: string }>(
    'SELECT kind, name FROM tombstones WHERE cluster_id = $1 AND confirmed_at IS NULL',
    [member.name],
  );
  const live = await labelled(client);
  const ordered = rows.flatMap((row) => row.manifests.map((manifest) => ({ row, manifest })));
  const wanted = new Set(ordered.map(({ manifest }) => keyOf(identityOf(manifest))));
  const lines = [
    ...open.map(({ kind, name }) => `the tombstone of ${kind} ${name} is open`),
    ...rows.flatMap(stateOf),
    ...ordered.flatMap(({ row, manifest }) => {
      const key = keyOf(identityOf(manifest));
      const found = live.get(key);
      if (found === undefined) return [`${key} is not there`];
      const metadata = isJsonObject(found.metadata) ? found.metadata : {};
      const isOfWork =
        manifest.kind === 'Namespace' ||
        (isJsonObject(metadata.labels) && metadata.labels[berthLabels.work] === row.id);
      if (!isOfWork) return [`${key} is not of its work`];
      const { apiVersion: _, kind: _kind, ...ordered } = manifest; // a list says it once for all
      const path = lacking(found, ordered);
      return path === undefined ? [] : [`${key} is not as ordered: ${path}`];
    }),
    ...(await surplus(client, live, wanted)),
  ];
  return lines.map((line) => `${member.name}: ${line}`);
}

function stateOf({ component, wanted, generation, reported, phase, reasons }: WorkRow): string[] {
  if (!wanted) return [`the work of ${component} is not wanted, and not gone`];
  const isTold = reported === generation && phase === 'ready';
  const said = `${phase} at ${reported}: ${JSON.stringify(reasons)}`;
  return isTold ? [] : [`the work of ${component} at ${generation} is reported ${said}`];
}

/** What carries Berth's label and was not made by a controller out of something that does. */
async function labelled(client: KubeClient): Promise<Map<string, JsonObject>> {
  const found = new Map<string, JsonObject>();
  const labelSelector = `${berthLabels.managedBy}=${berthLabels.managedByValue}`;
  const served = new Set((await client.discovery()).kinds.keys());
  for (const kind of kinds.filter((each) => served.has(kindKey(each))))
    for await (const { items } of client.list(kind, { labelSelector }))
      for (const item of items) {
        const { namespace, name } = identityOf(item);
        const isOwned = isJsonObject(item.metadata) && Array.isArray(item.metadata.ownerReferences);
        if (!isOwned) found.set(keyOf({ kind: kind.kind, namespace, name }), item);
      }
  return found;
}

/** A namespace stays while something of somebody else is in it. */
async function surplus(client: KubeClient, live: Map<string, JsonObject>, wanted: Set<string>): Promise<string[]> {
  const lines: string[] = [];
  for (const key of live.keys()) {
    if (wanted.has(key)) continue;
    const isKept = key.startsWith('Namespace ') && (await hasForeign(client, key.slice('Namespace /'.length)));
    if (!isKept) lines.push(`${key} is there, and no work wants it`);
  }
  return lines;
}

async function hasForeign(client: KubeClient, namespace: string): Promise<boolean> {
  const labelSelector = `${berthLabels.managedBy}!=${berthLabels.managedByValue}`;
  for await (const { items } of client.list({ apiVersion: 'v1', kind: 'ConfigMap' }, { namespace, labelSelector }))
    if (items.some((item) => identityOf(item).name.startsWith('strange-'))) return true;
  return false;
}

/** Where Postgres holds something else than the tenant was told it had taken. */
export async function broken(
  database: TestDatabase,
  ordered: ReadonlyMap<string, string | undefined>,
): Promise<string[]> {
  const rows = await database.query<{ application_id: string; manifests: JsonObject[] }>(
    'SELECT application_id, manifests FROM works',
  );
  return [...ordered].flatMap(([id, mark]) => {
    const own = rows.filter((row) => row.application_id === id);
    if (mark === undefined) return own.length === 0 ? [] : [`${id} was deleted, and has works`];
    const isIn = own.length > 0 && own.every(({ manifests }) => JSON.stringify(manifests).includes(`"${mark}"`));
    return isIn ? [] : [`${id} was applied with ${mark}, and its ${own.length} works say otherwise`];
  });
}

/** A copy of every tombstone that was ever written, whatever becomes of the row. */
export async function keepTombstones(database: TestDatabase): Promise<() => Promise<ReadonlySet<string>>> {
  await database.query('CREATE TABLE tombstones_ever AS SELECT cluster_id, uid, mode FROM tombstones');
  await database.query(`CREATE FUNCTION keep_tombstone() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
    'BEGIN INSERT INTO public.tombstones_ever VALUES (NEW.cluster_id, NEW.uid, NEW.mode); RETURN NULL; END'`);
  await database.query(
    'CREATE TRIGGER keep_tombstone AFTER INSERT ON tombstones FOR EACH ROW EXECUTE FUNCTION keep_tombstone()',
  );
  return async () => {
    const rows = await database.query<{ cluster_id: string; uid: string }>(
      `SELECT cluster_id, uid FROM tombstones_ever WHERE mode = 'delete'`,
    );
    return new Set(rows.map(({ cluster_id, uid }) => `${cluster_id} ${uid}`));
  };
}

/** Deletes by the agent that no tombstone of its cluster ordered, by the record of the members themselves. */
export async function unorderedDeletes(
  members: readonly FaultyMember[],
  ordered: ReadonlySet<string>,
): Promise<{ lines: string[]; deletes: number }> {
  const each = await Promise.all(
    members.map(async (member) =>
      (await member.grantedDeletes())
        .filter(({ userAgent }) => userAgent.startsWith('berth-agent'))
        .map(({ path, uid }) => ({ key: `${member.name} ${uid}`, line: `${member.name}: ${path} with uid ${uid}` })),
    ),
  );
  const all = each.flat();
  return { lines: all.filter(({ key }) => !ordered.has(key)).map(({ line }) => line), deletes: all.length };
}

export const lookIn = (member: FaultyMember): Promise<KubeClient> =>
  connectCluster(member.access, { userAgent: 'checker' });
