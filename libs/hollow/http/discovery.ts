import type { ResourceRegistry } from '../registry.js';
import { apiVersionOf, type ResourceKind } from '../resources.js';

const resourceVerbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

interface ApiResource {
  name: string;
  singularName: string;
  namespaced: boolean;
  kind: string;
  verbs: readonly string[];
  group?: string;
  version?: string;
  shortNames?: readonly string[];
}

function entriesOf(resource: ResourceKind): ApiResource[] {
  const { plural, singular, namespaced, kind, shortNames, subresources } = resource;
  const main: ApiResource = {
    name: plural,
    singularName: singular,
    namespaced,
    kind,
    verbs: resourceVerbs,
    ...(shortNames.length === 0 ? {} : { shortNames }),
  };
  return [main, ...subresources.map((subresource) => subresourceEntry(resource, subresource))];
}

function subresourceEntry({ plural, namespaced, kind }: ResourceKind, subresource: string): ApiResource {
  const name = `${plural}/${subresource}`;
  const common = { name, singularName: '', namespaced };
  if (subresource === 'scale')
    return { ...common, group: 'autoscaling', version: 'v1', kind: 'Scale', verbs: ['get', 'patch', 'update'] };
  if (subresource === 'eviction')
    return { ...common, group: 'policy', version: 'v1', kind: 'Eviction', verbs: ['create'] };
  if (subresource === 'finalize') return { ...common, kind, verbs: ['update'] };
  if (subresource === 'log') return { ...common, kind, verbs: ['get'] };
  if (subresource === 'exec') return { ...common, kind: 'PodExecOptions', verbs: ['create', 'get'] };
  if (subresource === 'portforward') return { ...common, kind: 'PodPortForwardOptions', verbs: ['create', 'get'] };
  return { ...common, kind, verbs: ['get', 'patch', 'update'] };
}

const metricsResources: ApiResource[] = [
  { name: 'nodes', singularName: '', namespaced: false, kind: 'NodeMetrics', verbs: ['get', 'list'] },
  { name: 'pods', singularName: '', namespaced: true, kind: 'PodMetrics', verbs: ['get', 'list'] },
];

const metricsVersion = 'metrics.k8s.io/v1beta1';

function resourcesOf(registry: ResourceRegistry, groupVersion: string): ApiResource[] {
  if (groupVersion === metricsVersion) return metricsResources;
  return registry.all.filter((resource) => apiVersionOf(resource) === groupVersion).flatMap(entriesOf);
}

interface ApiGroup {
  name: string;
  versions: { groupVersion: string; version: string }[];
  preferredVersion: { groupVersion: string; version: string };
}

function groupsOf(registry: ResourceRegistry): ApiGroup[] {
  const groups = new Map<string, ApiGroup>();
  for (const groupVersion of new Set([...registry.all.map(apiVersionOf), metricsVersion])) {
    const [name = '', version] = groupVersion.split('/');
    if (version === undefined) continue; // the core group has no name
    const entry = { groupVersion, version };
    const group = groups.get(name);
    if (group === undefined) groups.set(name, { name, versions: [entry], preferredVersion: entry });
    else group.versions.push(entry);
  }
  return [...groups.values()];
}

/** The answer to a discovery path, or undefined when it is none. `host` as the client called it. */
export function discoveryAnswer(registry: ResourceRegistry, path: string, host: string, version: string): unknown {
  if (path === '/version') return versionInfo(version);
  if (path === '/api')
    return {
      kind: 'APIVersions',
      versions: ['v1'],
      serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: host }],
    };
  if (path === '/apis') return { kind: 'APIGroupList', apiVersion: 'v1', groups: groupsOf(registry) };
  const groupVersion = path === '/api/v1' ? 'v1' : (/^\/apis\/([^/]+(?:\/[^/]+)?)$/.exec(path)?.[1] ?? '');
  if (path !== '/api/v1' && !groupVersion.includes('/')) {
    const group = groupsOf(registry).find(({ name }) => name === groupVersion);
    return group === undefined ? undefined : { kind: 'APIGroup', apiVersion: 'v1', ...group };
  }
  const found = resourcesOf(registry, groupVersion);
  if (found.length === 0) return undefined;
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources: found };
}

function versionInfo(gitVersion: string) {
  const [major = '', minor = ''] = gitVersion.replace(/^v/, '').split('.');
  return {
    major,
    minor,
    gitVersion,
    gitCommit: '',
    gitTreeState: 'clean',
    buildDate: '1970-01-01T00:00:00Z',
    goVersion: '',
    compiler: 'hollow',
    platform: `${process.platform}/${process.arch}`,
  };
}
