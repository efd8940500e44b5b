import { berthLabels, isJsonObject, type JsonObject } from '#domain';
import { connectCluster, type KindRef, kindKey } from '#kube';

/** One of Berth's objects, as the member cluster itself gives it. */
export interface HeldObject {
  cluster: string;
  kind: string;
  namespace: string;
  name: string;
  uid: string;
  resourceVersion: string;
}

/** What Berth applies; pods and replica sets are the cluster's own affair. */
const kinds: readonly KindRef[] = [
  { apiVersion: 'v1', kind: 'Namespace' },
  { apiVersion: 'v1', kind: 'ServiceAccount' },
  { apiVersion: 'v1', kind: 'ConfigMap' },
  { apiVersion: 'v1', kind: 'Service' },
  { apiVersion: 'apps/v1', kind: 'Deployment' },
  { apiVersion: 'apps/v1', kind: 'StatefulSet' },
  { apiVersion: 'apps/v1', kind: 'DaemonSet' },
  { apiVersion: 'batch/v1', kind: 'Job' },
  { apiVersion: 'batch/v1', kind: 'CronJob' },
  { apiVersion: 'v1', kind: 'Pod' },
];

/** Asks the member itself, past every part of Berth. */
export async function heldObjects(cluster: string, kubeconfig: string): Promise<HeldObject[]> {
  const client = await connectCluster({ kind: 'kubeconfig', yaml: kubeconfig }, { userAgent: 'berth-demo' });
  const selectors = [`${berthLabels.managedBy}=${berthLabels.managedByValue}`, berthLabels.work];
  try {
    const held = new Map<string, HeldObject>();
    const served = (await client.discovery()).kinds;
    for (const kind of kinds.filter((each) => served.has(kindKey(each))))
      for (const labelSelector of selectors)
        for await (const page of client.list(kind, { labelSelector }))
          for (const item of page.items) {
            const object = heldObject(cluster, kind.kind, item);
            held.set(object.uid, object);
          }
    return [...held.values()];
  } finally {
    await client.close();
  }
}

function heldObject(cluster: string, kind: string, item: JsonObject): HeldObject {
  const metadata = isJsonObject(item.metadata) ? item.metadata : {};
  const text = (field: string) => (typeof metadata[field] === 'string' ? metadata[field] : '');
  return {
    cluster,
    kind,
    namespace: text('namespace'),
    name: text('name'),
    uid: text('uid'),
    resourceVersion: text('resourceVersion'),
  };
}

/** What all members hold. */
export async function everythingHeld(members: readonly { name: string; kubeconfig: string }[]): Promise<HeldObject[]> {
  const held = await Promise.all(members.map((member) => heldObjects(member.name, member.kubeconfig)));
  return held.flat();
}

/** A line for each object under a line of heads; nothing when there is none. */
export function heldTable(held: readonly HeldObject[]): string[] {
  if (held.length === 0) return [];
  const rows = held.map((object) => [
    object.cluster,
    object.kind,
    object.namespace,
    object.name,
    object.uid,
    object.resourceVersion,
  ]);
  const cells = [['CLUSTER', 'KIND', 'NAMESPACE', 'NAME', 'UID', 'RESOURCEVERSION'], ...rows];
  const widths = [0, 1, 2, 3, 4, 5].map((column) => Math.max(0, ...cells.map((row) => row[column]?.length ?? 0)));
  return cells.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd());
}
