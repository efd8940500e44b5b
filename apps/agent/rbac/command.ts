import { parseArgs } from 'node:util';
import { parseAllDocuments, stringify } from 'yaml';
import { isJsonObject } from '#domain';
import { type AgentDuties, agentAccess, usualDuties } from '#kube';

export const rbacUsage = `Usage: berth-agent rbac [options] | kubectl apply -f -

Prints Namespace, ServiceAccount, ClusterRole and ClusterRoleBinding with the rights that this agent needs, and no others.
Without --kind and --from it may write every kind that Berth renders.

  --kind GROUP/VERSION/KIND  a kind that it is to write, like apps/v1/Deployment or v1/Service; repeated for more. A plural
                             that is irregular is added: stable.example.com/v1/Chassis=chassis
  --from FILE                every kind that a file of manifests holds; repeated for more
  --keep-namespaces          never delete a namespace. Without this it may list everything there is, Secrets too: a
                             namespace is deleted only when nothing foreign is left in it
  --no-logs                  tenants read no logs
  --exec                     tenants run commands in their pods
  --port-forward             tenants reach ports of their pods
  --help                     show this
`;

/** What was asked for makes no sense; the message says what would. */
export class RbacUsageError extends Error {
  override name = 'RbacUsageError';
}

type Written = AgentDuties['writes'][number];

const kindForm = /^((?:[a-z0-9.-]+\/)?v[a-z0-9]+)\/([A-Z][A-Za-z0-9]*)(?:=([a-z0-9]+))?$/;

function kindFrom(text: string): Written {
  const [, apiVersion, kind, plural] = kindForm.exec(text) ?? [];
  if (apiVersion === undefined || kind === undefined)
    throw new RbacUsageError(
      `--kind is "${text}"; allowed is GROUP/VERSION/KIND, like apps/v1/Deployment or v1/Service`,
    );
  return { apiVersion, kind, plural };
}

function kindsIn(file: string, content: string): Written[] {
  return parseAllDocuments(content).flatMap((document) => {
    const [problem] = document.errors;
    if (problem !== undefined) throw new RbacUsageError(`--from ${file}: ${problem.message}`);
    const object: unknown = document.toJS();
    if (object === null) return [];
    if (!isJsonObject(object) || typeof object.apiVersion !== 'string' || typeof object.kind !== 'string')
      throw new RbacUsageError(
        `--from ${file}: a document has no apiVersion and kind; allowed are Kubernetes manifests`,
      );
    return { apiVersion: object.apiVersion, kind: object.kind };
  });
}

const options = {
  kind: { type: 'string', multiple: true },
  from: { type: 'string', multiple: true },
  'keep-namespaces': { type: 'boolean' },
  'no-logs': { type: 'boolean' },
  exec: { type: 'boolean' },
  'port-forward': { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

function given(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    throw new RbacUsageError(error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error));
  }
}

/**
 * What `berth-agent rbac` prints: YAML to be applied.
 *
 * @throws RbacUsageError
 */
export async function rbacText(args: readonly string[], read: (file: string) => Promise<string>): Promise<string> {
  const flags = given(args);
  if (flags.help === true) return rbacUsage;
  const usual = usualDuties();
  const named = (flags.kind ?? []).map(kindFrom);
  const found = await Promise.all((flags.from ?? []).map(async (file) => kindsIn(file, await read(file))));
  const asked = [...named, ...found.flat()];
  const objects = agentAccess({
    writes: asked.length > 0 ? asked : usual.writes,
    deletesNamespaces: flags['keep-namespaces'] !== true,
    logs: flags['no-logs'] !== true,
    exec: flags.exec === true,
    portForward: flags['port-forward'] === true,
  });
  return objects.map((object) => stringify(object, { lineWidth: 120 })).join('---\n');
}
