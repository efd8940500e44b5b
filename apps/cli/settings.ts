import { applicationName, environmentName, projectName } from '#contract';
import { dnsLabel } from '#domain';
import { UsageError } from './failure.js';

/** `wide` is a table that says more, where there is more to say. */
export const formats = ['table', 'wide', 'json', 'yaml', 'name'] as const;
export type Format = (typeof formats)[number];

/** Options that every command takes. */
export interface SharedOptions {
  server?: string;
  apiKey?: string;
  tenant?: string;
  project?: string;
  environment?: string;
  output: Format;
  /** False with --no-color. */
  color: boolean;
}

/** Where Berth is, who asks, and what short names stand for. */
export interface Settings {
  /** host:port. */
  server: string;
  /** Empty: none was given. */
  apiKey: string;
  tenant: string;
  project: string;
  environment: string;
  format: Format;
}

const defaultServer = '127.0.0.1:7070';
const addressForm = /^(\[[0-9a-f:.]+\]|[^\s/:[\]]+):(\d{1,5})$/i;

function serverOf(text: string): string {
  const port = Number(addressForm.exec(text)?.[2] ?? 0);
  if (port < 1 || port > 65_535)
    throw new UsageError(`the server is "${text}"; allowed is host:port, like ${defaultServer}`);
  return text;
}

function label(what: string, text: string): string {
  if (!dnsLabel.test(text)) throw new UsageError(`the ${what} is "${text}"; allowed are 1 to 63 of a-z, 0-9 and "-"`);
  return text;
}

/** A project by its id, or by its whole name `tenants/{tenant}/projects/{project}`. */
function splitProject(text: string | undefined): { tenant?: string; project?: string } {
  if (text === undefined || text === '') return {};
  const whole = /^tenants\/([^/]+)\/projects\/([^/]+)$/.exec(text);
  return whole?.[1] === undefined || whole[2] === undefined
    ? { project: text }
    : { tenant: whole[1], project: whole[2] };
}

/** Options go before the environment's variables. @throws UsageError naming what is wrong. */
export function settingsOf(options: SharedOptions, env: Readonly<Record<string, string | undefined>>): Settings {
  const byOption = splitProject(options.project);
  const byEnv = splitProject(env.BERTH_PROJECT);
  return {
    server: serverOf(options.server ?? (env.BERTH_SERVER || defaultServer)),
    apiKey: options.apiKey ?? env.BERTH_API_KEY ?? '',
    tenant: label('tenant', options.tenant ?? byOption.tenant ?? byEnv.tenant ?? 'default'),
    project: label('project', byOption.project ?? byEnv.project ?? 'default'),
    environment: label('environment', options.environment ?? 'default'),
    format: options.output,
  };
}

/** Full names of what was named shortly. */
export const namesIn = ({ tenant, project, environment }: Settings) => ({
  project: projectName(tenant, project),
  environment: environmentName(tenant, project, environment),
  application: (id: string) => applicationName(tenant, project, label('application', id)),
  /** By its id, or by its whole name `clusters/{id}`. */
  cluster: (id: string) => `clusters/${label('cluster', id.replace(/^clusters\//, ''))}`,
});

export const isForPeople = (format: Format): boolean => format === 'table' || format === 'wide';
