import { parseArgs } from 'node:util';
import { parseAllDocuments, stringify } from 'yaml';
import { applicationSpecFromWire, parseApplicationFile } from '#contract';
import { InvalidRequest, isJsonObject, type JsonObject } from '#domain';
import { type AgentDuties, agentAccess, objectRefsOf, usualDuties } from '#kube';

export const rbacUsage = `Usage: berth-agent rbac [options] | kubectl apply -f -

Prints Namespace, ServiceAccount, ClusterRole and ClusterRoleBinding with the rights that this agent needs, and no others.
Without --kind and --from it may write every kind that Berth renders.

  --kind GROUP/VERSION/KIND  a kind that it is to write, like apps/v1/Deployment or v1/Service; repeated for more. A plural
                             that is irregular is added: stable.example.com/v1/Chassis=chassis
  --from FILE                every kind that an application's file needs, in Berth's own form or as Kubernetes manifests;
                             repeated for more
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
  const documents = parseAllDocuments(content);
  const problem = 'empty' in documents ? undefined : documents.flatMap(({ errors }) => errors)[0];
  if (problem !== undefined) throw new RbacUsageError(`--from ${file}: ${firstLine(problem.message)}`);
  const objects = documents.map((document): unknown => document.toJS()).filter((object) => object !== null);
  const [first] = objects;
  return isJsonObject(first) && !('apiVersion' in first) && !('kind' in first)
    ? kindsOfApplication(file, content)
    : objects.map((object) => kindOfManifest(file, object));
}

function kindOfManifest(file: string, object: unknown): Written {
  if (!isJsonObject(object) || !hasKind(object))
    throw new RbacUsageError(
      `--from ${file}: a document has no apiVersion and kind; allowed are Kubernetes manifests, or an application in Berth's form`,
    );
  return { apiVersion: object.apiVersion, kind: object.kind };
}

const hasKind = (object: JsonObject): object is JsonObject & { apiVersion: string; kind: string } =>
  typeof object.apiVersion === 'string' && typeof object.kind === 'string';

function kindsOfApplication(file: string, content: string): Written[] {
  try {
    const { source } = parseApplicationFile(content);
    if (source.case === 'manifests') return [];
    return applicationSpecFromWire(source.value).components.flatMap((component) => objectRefsOf(component, ''));
  } catch (error) {
    if (error instanceof InvalidRequest) throw new RbacUsageError(`--from ${file}: ${error.message}`);
    throw error;
  }
}

const firstLine = (message: string): string => (message.split('\n')[0] ?? '').replace(/:$/, '');

async function contentOf(file: string, read: (file: string) => Promise<string>): Promise<string> {
  try {
    return await read(file);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    const why = error.code === 'ENOENT' ? 'there is no such file' : error.message;
    throw new RbacUsageError(`--from ${file}: ${why}`);
  }
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
    throw new RbacUsageError(error instanceof Error ? firstLine(error.message) : String(error));
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
  const found = await Promise.all((flags.from ?? []).map(async (file) => kindsIn(file, await contentOf(file, read))));
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
