import { isJsonObject, type JsonObject } from '#domain';
import type { BerthDatabase } from './database.js';
import type { BenchMember } from './members.js';

/** What a bare client is to apply to a member: as Berth made them, under another name and namespace. */
export interface BareApplies {
  member: BenchMember;
  manifests: readonly { path: string; body: string }[];
}

/** An agent that watches Berth's objects must not take these for its own; every text stays as long as it was. */
const foreign = (text: string): string =>
  text
    .replaceAll('berth.dev/', 'bench.dev/')
    .replaceAll('"app.kubernetes.io/managed-by":"berth"', '"app.kubernetes.io/managed-by":"bench"');

/** The Deployments of the works whose application begins so, with the marks that an agent adds. */
export async function bareApplies(
  database: BerthDatabase,
  members: readonly BenchMember[],
  prefix: string,
  namespace: string,
): Promise<BareApplies[]> {
  const rows = await database.query<{ cluster_id: string; id: string; manifests: JsonObject[] }>(
    'SELECT cluster_id, id, manifests FROM works WHERE starts_with(application_id, $1) ORDER BY sequence',
    [prefix],
  );
  return members.map((member) => {
    const own = rows.filter((row) => row.cluster_id === member.name);
    const deployments = own.flatMap(({ manifests }) => manifests.filter(({ kind }) => kind === 'Deployment'));
    return { member, manifests: deployments.map((manifest) => applyOf(manifest, namespace)) };
  });
}

function applyOf(manifest: JsonObject, namespace: string) {
  const metadata = isJsonObject(manifest.metadata) ? manifest.metadata : {};
  const annotations = isJsonObject(metadata.annotations) ? metadata.annotations : {};
  const digest = '0'.repeat(32);
  const marked = {
    ...manifest,
    metadata: { ...metadata, namespace, annotations: { ...annotations, 'bench.dev/digest': digest } },
  };
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments/${String(metadata.name)}`;
  return { path, body: foreign(JSON.stringify(marked)) };
}

/** Seconds until the last answer: as many at a time in every member as its pool has connections. */
export async function applyBare(applies: readonly BareApplies[], connections: number): Promise<number> {
  const from = performance.now();
  const inMember = ({ member, manifests }: BareApplies): Promise<void>[] => {
    let next = 0;
    const worker = async (): Promise<void> => {
      for (let each = manifests[next++]; each !== undefined; each = manifests[next++])
        await member.api.apply(each.path, each.body);
    };
    return Array.from({ length: connections }, worker);
  };
  await Promise.all(applies.flatMap(inMember));
  return (performance.now() - from) / 1000;
}

/** Milliseconds of each: one in every member at once, when the last has answered; with a rest between two. */
export async function applyBareSingly(applies: readonly BareApplies[], restMs: number): Promise<number[]> {
  const times: number[] = [];
  const count = Math.min(...applies.map(({ manifests }) => manifests.length));
  for (let index = 0; index < count; index++) {
    await new Promise((resolve) => setTimeout(resolve, restMs));
    const from = performance.now();
    const inMembers = applies.map(async ({ member, manifests }) => {
      const each = manifests[index];
      if (each !== undefined) await member.api.apply(each.path, each.body);
    });
    await Promise.all(inMembers);
    times.push(performance.now() - from);
  }
  return times;
}

/** Makes the namespace in every member; answers how to take it away again. */
export async function withNamespace(members: readonly BenchMember[], name: string): Promise<() => Promise<void>> {
  const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
  await Promise.all(members.map(({ api }) => api.create('/api/v1/namespaces', body)));
  return async () => {
    await Promise.all(members.map(({ api }) => api.delete(`/api/v1/namespaces/${name}`)));
  };
}
