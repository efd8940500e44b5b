import type { JsonObject } from '#domain';
import type { KindRef } from '../client/objects.js';
import { everyRenderedKind } from '../member/rendered-kinds.js';

/** What an agent is asked to do in its cluster. */
export interface AgentDuties {
  /** Kinds that it writes; namespaces besides, since each environment is one. A plural that is irregular is given. */
  writes: readonly (KindRef & { plural?: string | undefined })[];
  /** Whether it deletes namespaces that are empty: it has to list all that there is to know that, Secrets too. */
  deletesNamespaces: boolean;
  /** Into pods: what tenants may ask for through the line. */
  logs: boolean;
  exec: boolean;
  portForward: boolean;
}

/** Everything that Berth renders, with namespaces deleted when they are empty, and logs read. */
export const usualDuties = (): AgentDuties => ({
  writes: everyRenderedKind(),
  deletesNamespaces: true,
  logs: true,
  exec: false,
  portForward: false,
});

/** One rule of a ClusterRole (`rbac.authorization.k8s.io/v1`). */
export interface RoleRule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
}

/** As Kubernetes' own kinds are called; those of custom resources mostly too. */
export function pluralOf(kind: string): string {
  const word = kind.toLowerCase();
  if (/(s|x|z|ch|sh)$/.test(word)) return `${word}es`;
  return /[^aeiou]y$/.test(word) ? `${word.slice(0, -1)}ies` : `${word}s`;
}

const groupOf = ({ apiVersion }: KindRef): string => (apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '');

const unique = (words: readonly string[]): string[] => [...new Set(words)];

/** One rule for each API group. */
function rulesFor(kinds: AgentDuties['writes'], verbs: readonly string[]): RoleRule[] {
  return unique(kinds.map(groupOf)).map((group) => ({
    apiGroups: [group],
    resources: unique(
      kinds.filter((each) => groupOf(each) === group).map(({ kind, plural }) => plural ?? pluralOf(kind)),
    ),
    verbs: [...verbs],
  }));
}

const rule = (group: string, resource: string, ...verbs: string[]): RoleRule => ({
  apiGroups: [group],
  resources: [resource],
  verbs,
});

/**
 * The least that an agent needs: it lists and watches what Berth renders (whatever of it is there, it tells), pods,
 * nodes and warnings; it reads single objects and writes only where it is asked to. Server-side apply is a `patch`, and a
 * `create` where nothing is there. Namespaces it must be able to make, and the one that names the cluster to read.
 */
export function agentRules(duties: AgentDuties): RoleRule[] {
  const namespace: KindRef = { apiVersion: 'v1', kind: 'Namespace' };
  const written = duties.writes.filter(({ kind, apiVersion }) => kind !== 'Namespace' || apiVersion !== 'v1');
  const watched = [...everyRenderedKind(), ...written];
  const intoPods = [
    ...(duties.logs ? [rule('', 'pods/log', 'get')] : []),
    // WebSockets are opened with GET; SPDY, and Kubernetes 1.35, ask for create
    ...(duties.exec ? [rule('', 'pods/exec', 'get', 'create')] : []),
    ...(duties.portForward ? [rule('', 'pods/portforward', 'get', 'create')] : []),
  ];
  return [
    ...rulesFor(watched, ['list', 'watch']),
    rule('', 'pods', ...(intoPods.length > 0 ? ['get', 'list', 'watch'] : ['list', 'watch'])),
    rule('', 'nodes', 'list', 'watch'),
    rule('', 'events', 'list', 'watch'),
    rule('storage.k8s.io', 'storageclasses', 'list'),
    rule('metrics.k8s.io', 'nodes', 'list'),
    ...rulesFor([namespace], ['get', 'create', 'patch', ...(duties.deletesNamespaces ? ['delete'] : [])]),
    ...rulesFor(written, ['get', 'create', 'patch', 'delete']),
    ...(duties.deletesNamespaces ? [rule('*', '*', 'list')] : []),
    ...intoPods,
  ];
}

const name = 'berth-agent';

/** Namespace, ServiceAccount, ClusterRole and ClusterRoleBinding, to be applied in this order. */
export function agentAccess(duties: AgentDuties): JsonObject[] {
  const api = 'rbac.authorization.k8s.io';
  const rules = agentRules(duties).map((each): JsonObject => ({ ...each }));
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace: name } },
    { apiVersion: `${api}/v1`, kind: 'ClusterRole', metadata: { name }, rules },
    {
      apiVersion: `${api}/v1`,
      kind: 'ClusterRoleBinding',
      metadata: { name },
      roleRef: { apiGroup: api, kind: 'ClusterRole', name },
      subjects: [{ kind: 'ServiceAccount', name, namespace: name }],
    },
  ];
}
