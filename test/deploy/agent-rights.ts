import { readFile } from 'node:fs/promises';
import { parseAllDocuments } from 'yaml';
import type { RoleRule } from '#kube';

/** `verb group/resource`, like `patch apps/deployments`; the core group is empty. */
type Right = string;

/** One by one, as a ClusterRole in these documents grants them. */
export function grantedBy(yaml: string): Right[] {
  const documents = parseAllDocuments(yaml).map((document): { rules?: RoleRule[] } => document.toJS());
  const rights = documents.flatMap(({ rules = [] }) =>
    rules.flatMap(({ apiGroups, resources, verbs }) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((resource) => verbs.map((verb) => `${verb} ${group}/${resource}`)),
      ),
    ),
  );
  return [...new Set(rights)];
}

interface AuditEvent {
  user?: { username?: string };
  verb?: string;
  objectRef?: { apiGroup?: string; resource?: string; subresource?: string };
  responseStatus?: { code?: number };
}

const created = 201;

/** What the agent's ServiceAccount was served according to an audit log. */
export async function usedAccordingTo(auditLog: string): Promise<Set<Right>> {
  const used = new Set<Right>();
  for (const line of (await readFile(auditLog, 'utf8')).split('\n')) {
    if (!line.includes('system:serviceaccount:berth-agent:berth-agent')) continue;
    const { user, verb = '', objectRef, responseStatus }: AuditEvent = JSON.parse(line);
    if (user?.username !== 'system:serviceaccount:berth-agent:berth-agent' || objectRef?.resource === undefined)
      continue;
    const { apiGroup = '', resource, subresource } = objectRef;
    const target = `${apiGroup}/${subresource === undefined ? resource : `${resource}/${subresource}`}`;
    used.add(`${verb} ${target}`);
    // a server-side apply to a name that is free counts as a create, too
    if (verb === 'patch' && responseStatus?.code === created) used.add(`create ${target}`);
    if (verb === 'list' && target === '/secrets') used.add('list */*'); // nothing else looks there
  }
  return used;
}
