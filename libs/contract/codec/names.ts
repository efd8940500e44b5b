import { dnsLabel, InvalidRequest } from '#domain';

/** The parts of a resource name, by the words of its pattern. */
export type NameParts<P extends string> = P extends `${string}{${infer Part}}${infer Rest}`
  ? { [K in Part]: string } & NameParts<Rest>
  : unknown;

const uuidForm = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** What a part may be, by its word; a DNS label unless said here. */
const forms: Readonly<Record<string, RegExp>> = {
  operation: uuidForm,
  key: /^[a-z0-9]{1,32}$/,
  number: /^[1-9][0-9]{0,14}$/,
};

const patternOf = (pattern: string): RegExp =>
  new RegExp(`^${pattern.replaceAll(/\{(\w+)\}/g, (_, word: string) => `(?<${word}>[^/]*)`)}$`);

/**
 * Makes the reader of a kind of resource name, like `tenants/{tenant}/projects/{project}`: it answers the parts.
 *
 * @throws InvalidRequest (the reader) naming the field, what was found and the pattern that is allowed.
 */
export function nameReader<const P extends string>(pattern: P): (name: string, field?: string) => NameParts<P> {
  const form = patternOf(pattern);
  return (name, field = 'name') => {
    const parts = form.exec(name)?.groups;
    const wrong =
      parts === undefined || Object.entries(parts).some(([word, part]) => !(forms[word] ?? dnsLabel).test(part));
    if (wrong) {
      const found = name === '' ? 'nothing' : `"${name.slice(0, 200)}"`;
      throw new InvalidRequest([{ field, description: `found ${found}; allowed is ${pattern}` }]);
    }
    return parts as NameParts<P>;
  };
}

export const readTenantName = nameReader('tenants/{tenant}');
export const readProjectName = nameReader('tenants/{tenant}/projects/{project}');
export const readEnvironmentName = nameReader('tenants/{tenant}/projects/{project}/environments/{environment}');
export const readApplicationName = nameReader('tenants/{tenant}/projects/{project}/applications/{application}');
export const readRevisionName = nameReader(
  'tenants/{tenant}/projects/{project}/applications/{application}/revisions/{number}',
);
export const readReleaseName = nameReader(
  'tenants/{tenant}/projects/{project}/environments/{environment}/releases/v{number}',
);
export const readClusterName = nameReader('clusters/{cluster}');
export const readTenantKeyName = nameReader('tenants/{tenant}/apiKeys/{key}');
export const readOperatorKeyName = nameReader('apiKeys/{key}');
export const readTenantOperationName = nameReader('tenants/{tenant}/operations/{operation}');
export const readFleetOperationName = nameReader('operations/{operation}');

/** The tenant that a name belongs to; undefined for names outside any tenant (clusters, operators' keys). */
export const tenantOfName = (name: string): string | undefined => /^tenants\/([^/]*)/.exec(name)?.[1];

/** The project that a name belongs to. */
export const projectOfName = (name: string): string | undefined => /^tenants\/[^/]*\/projects\/([^/]*)/.exec(name)?.[1];

export const tenantName = (tenant: string): string => `tenants/${tenant}`;
export const projectName = (tenant: string, project: string): string => `${tenantName(tenant)}/projects/${project}`;
export const environmentName = (tenant: string, project: string, environment: string): string =>
  `${projectName(tenant, project)}/environments/${environment}`;
export const applicationName = (tenant: string, project: string, application: string): string =>
  `${projectName(tenant, project)}/applications/${application}`;
export const revisionName = (tenant: string, project: string, application: string, number: bigint): string =>
  `${applicationName(tenant, project, application)}/revisions/${number}`;
export const releaseName = (tenant: string, project: string, environment: string, number: bigint): string =>
  `${environmentName(tenant, project, environment)}/releases/v${number}`;
export const clusterName = (cluster: string): string => `clusters/${cluster}`;
export const apiKeyName = (tenant: string | undefined, key: string): string =>
  tenant === undefined ? `apiKeys/${key}` : `tenants/${tenant}/apiKeys/${key}`;
export const operationName = (tenant: string | undefined, operation: string): string =>
  tenant === undefined ? `operations/${operation}` : `tenants/${tenant}/operations/${operation}`;
