import { apiVersionOf, type ResourceKind, resources } from '../resources.js';

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

const groupVersions = new Map<string, ApiResource[]>();
for (const resource of resources) {
  const groupVersion = apiVersionOf(resource);
  groupVersions.set(groupVersion, [...(groupVersions.get(groupVersion) ?? []), ...entriesOf(resource)]);
}
groupVersions.set('metrics.k8s.io/v1beta1', metricsResources);

function groupOf(groupVersion: string) {
  const [name = '', version = ''] = groupVersion.split('/');
  return { name, versions: [{ groupVersion, version }], preferredVersion: { groupVersion, version } };
}

/** The answer to a discovery path, or undefined when it is none. `host` as the client called it. */
export function discoveryAnswer(path: string, host: string, version: string): unknown {
  if (path === '/version') return versionInfo(version);
  if (path === '/api')
    return {
      kind: 'APIVersions',
      versions: ['v1'],
      serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: host }],
    };
  const groups = [...groupVersions.keys()].filter((groupVersion) => groupVersion !== 'v1');
  if (path === '/apis') return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map(groupOf) };
  const asGroup = groups.find((groupVersion) => path === `/apis/${groupVersion.split('/')[0]}`);
  if (asGroup !== undefined) return { kind: 'APIGroup', apiVersion: 'v1', ...groupOf(asGroup) };
  const groupVersion = /^\/(?:api|apis)\/(.+)$/.exec(path)?.[1] ?? '';
  const found = groupVersions.get(groupVersion);
  if (found === undefined || path !== (groupVersion === 'v1' ? '/api/v1' : `/apis/${groupVersion}`)) return undefined;
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
