import { isJsonObject, type JsonObject, type JsonValue } from '#domain';
import { isNotFound, KubeError } from './errors.js';
import { type KindRef, kindKey, listAt, textAt } from './objects.js';

/** A kind that the server serves, and where. */
export interface ServedKind extends KindRef {
  /** `deployments` */
  plural: string;
  namespaced: boolean;
  verbs: ReadonlySet<string>;
  /** `/apis/apps/v1` or `/api/v1` */
  groupPath: string;
}

export interface Discovery {
  /** By `apps/v1/Deployment`. */
  readonly kinds: ReadonlyMap<string, ServedKind>;
  /** Group versions whose server did not answer: their kinds are unknown, not absent. */
  readonly unavailable: readonly string[];
}

type Get = (path: string, accept?: string) => Promise<JsonValue>;

/** One answer instead of one per group version, since Kubernetes 1.26; older servers answer with the plain list. */
const aggregated =
  'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json';

const verbsOf = (resource: JsonObject): ReadonlySet<string> => {
  const verbs = resource.verbs;
  return new Set(Array.isArray(verbs) ? verbs.filter((verb) => typeof verb === 'string') : []);
};

const groupPathOf = (groupVersion: string): string =>
  groupVersion.includes('/') ? `/apis/${groupVersion}` : `/api/${groupVersion}`;

interface Found {
  kinds: ServedKind[];
  unavailable: string[];
}

function fromAggregated(answer: JsonObject): Found {
  const found: Found = { kinds: [], unavailable: [] };
  for (const group of listAt(answer, 'items')) {
    const name = textAt(group, 'metadata', 'name');
    for (const version of listAt(group, 'versions')) {
      const apiVersion = name === '' ? textAt(version, 'version') : `${name}/${textAt(version, 'version')}`;
      if (textAt(version, 'freshness') === 'Stale') found.unavailable.push(apiVersion);
      for (const resource of listAt(version, 'resources'))
        found.kinds.push({
          apiVersion,
          kind: textAt(resource, 'responseKind', 'kind'),
          plural: textAt(resource, 'resource'),
          namespaced: textAt(resource, 'scope') === 'Namespaced',
          verbs: verbsOf(resource),
          groupPath: groupPathOf(apiVersion),
        });
    }
  }
  return found;
}

function fromResourceList(apiVersion: string, answer: JsonValue): ServedKind[] {
  return listAt(answer, 'resources')
    .filter((resource) => !textAt(resource, 'name').includes('/'))
    .map((resource) => ({
      apiVersion,
      kind: textAt(resource, 'kind'),
      plural: textAt(resource, 'name'),
      namespaced: resource.namespaced === true,
      verbs: verbsOf(resource),
      groupPath: groupPathOf(apiVersion),
    }));
}

async function oneByOne(get: Get, groupVersions: readonly string[]): Promise<Found> {
  const found: Found = { kinds: [], unavailable: [] };
  const left = [...groupVersions];
  const worker = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      try {
        found.kinds.push(...fromResourceList(next, await get(groupPathOf(next))));
      } catch (error) {
        if (isNotFound(error)) continue; // removed between the two answers
        if (!(error instanceof KubeError) || !error.passing) throw error;
        found.unavailable.push(next);
      }
    }
  };
  await Promise.all(Array.from({ length: 6 }, worker));
  return found;
}

async function discoverTree(get: Get, path: '/api' | '/apis'): Promise<Found> {
  const answer = await get(path, aggregated);
  if (!isJsonObject(answer)) return { kinds: [], unavailable: [] };
  if (answer.kind === 'APIGroupDiscoveryList') return fromAggregated(answer);
  const core = Array.isArray(answer.versions) ? answer.versions.filter((v) => typeof v === 'string') : [];
  const grouped = listAt(answer, 'groups').flatMap((group) =>
    listAt(group, 'versions').map((version) => textAt(version, 'groupVersion')),
  );
  return oneByOne(get, path === '/api' ? core : grouped);
}

/** Asks the server for all kinds that it serves. Fails only when the server itself does not answer. */
export async function discover(get: Get): Promise<Discovery> {
  const [core, groups] = await Promise.all([discoverTree(get, '/api'), discoverTree(get, '/apis')]);
  const kinds = new Map([...core.kinds, ...groups.kinds].map((kind) => [kindKey(kind), kind]));
  return { kinds, unavailable: [...core.unavailable, ...groups.unavailable].sort() };
}
