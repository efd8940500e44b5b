import { chmod, mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { parse, stringify, YAMLError } from 'yaml';
import { isJsonObject, type JsonObject, type JsonValue } from '#domain';
import { Unfulfilled, UsageError } from './failure.js';
import type { Io } from './io.js';

export interface ElsewhereOptions {
  kubeconfig?: string;
  context?: string;
  agents?: string;
}

/** A cluster's folder on its way: nothing is seen of it until `finish`. */
export interface AgentFolder {
  path: string;
  finish(token: string): Promise<void>;
  discard(): Promise<void>;
}

const inlined = [
  ['cluster', 'certificate-authority'],
  ['user', 'client-certificate'],
  ['user', 'client-key'],
] as const;

/** Undefined when no agent elsewhere is meant. */
export function elsewhere({ kubeconfig, context, agents }: ElsewhereOptions) {
  if (kubeconfig === undefined && context === undefined && agents === undefined) return undefined;
  if (kubeconfig === undefined || agents === undefined)
    throw new UsageError('--kubeconfig and --agents go together: the agents’ folder gets the kubeconfig');
  return { kubeconfig, context, agents };
}

/** The part of a kubeconfig that one context needs, with the files that it names in it: it can be carried away. */
export async function narrowed(io: Io, path: string, context: string | undefined): Promise<string> {
  const whole = mapping(path, await io.read(path));
  const wanted = context ?? `${whole['current-context'] ?? ''}`;
  const chosen = entry(whole, 'contexts', wanted);
  if (chosen === undefined) {
    const names = list(whole, 'contexts').map(({ name }) => `${name}`);
    throw new UsageError(`${path} has no context "${wanted}"; it has ${names.join(', ') || 'none'}`);
  }
  const { cluster, user } = within(chosen, 'context');
  const parts = { cluster: entry(whole, 'clusters', `${cluster}`), user: entry(whole, 'users', `${user}`) };
  if (parts.cluster === undefined) throw new UsageError(`${path}: context "${wanted}" names no cluster that is in it`);
  const facts = { cluster: { ...within(parts.cluster, 'cluster') }, user: { ...within(parts.user ?? {}, 'user') } };
  const home = dirname(path);
  for (const [part, field] of inlined) {
    const file = facts[part][field];
    if (typeof file !== 'string' || file === '') continue;
    delete facts[part][field];
    facts[part][`${field}-data`] = Buffer.from(await io.read(resolve(home, file))).toString('base64');
  }
  const { tokenFile, exec } = facts.user;
  if (typeof tokenFile === 'string') facts.user.tokenFile = resolve(home, tokenFile);
  if (isJsonObject(exec) && typeof exec.command === 'string' && /[\\/]/.test(exec.command))
    facts.user.exec = { ...exec, command: resolve(home, exec.command) };
  return stringify({
    ...{ apiVersion: 'v1', kind: 'Config', 'current-context': wanted },
    contexts: [{ name: wanted, context: { cluster: `${cluster}`, user: `${user}` } }],
    clusters: [{ name: `${cluster}`, cluster: facts.cluster }],
    users: [{ name: `${user}`, user: facts.user }],
  });
}

/** For its owner alone. A folder that is there gets the new files; the identity in it stays. */
export async function draftFolder(agents: string, id: string, kubeconfig: string): Promise<AgentFolder> {
  const path = join(agents, id);
  const draft = join(agents, `.${id}.draft`);
  try {
    await mkdir(agents, { recursive: true, mode: 0o700 });
    await rm(draft, { recursive: true, force: true });
    await mkdir(draft, { mode: 0o700 });
    await writeFile(join(draft, 'kubeconfig'), kubeconfig, { mode: 0o600 });
  } catch (cause) {
    throw new Unfulfilled(`${agents} cannot be written: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
  return {
    path,
    finish: async (token) => {
      await writeFile(join(draft, 'token'), `${token}\n`, { mode: 0o600 });
      if ((await stat(path).catch(() => undefined)) === undefined) return rename(draft, path);
      await chmod(path, 0o700);
      for (const name of ['kubeconfig', 'token']) await rename(join(draft, name), join(path, name));
      await rm(draft, { recursive: true });
    },
    discard: () => rm(draft, { recursive: true, force: true }),
  };
}

function mapping(path: string, text: string): JsonObject {
  let read: JsonValue;
  try {
    read = parse(text) as JsonValue;
  } catch (cause) {
    if (!(cause instanceof YAMLError)) throw cause;
    throw new UsageError(`${path} is no kubeconfig: ${cause.message.split('\n')[0]}`);
  }
  if (isJsonObject(read)) return read;
  throw new UsageError(`${path} is no kubeconfig`);
}

const list = (config: JsonObject, name: string): JsonObject[] => {
  const found = config[name];
  return Array.isArray(found) ? found.filter(isJsonObject) : [];
};
const entry = (config: JsonObject, name: string, wanted: string) =>
  list(config, name).find((each) => each.name === wanted);
const within = (object: JsonObject, name: string): JsonObject => {
  const found = object[name];
  return isJsonObject(found) ? found : {};
};
