import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parse, YAMLError } from 'yaml';
import { isJsonObject, type JsonObject, type JsonValue } from '#domain';
import { AccessUnusable, type CredentialSource, type Credentials, type KubeconfigAccess } from './access.js';
import { type ExecPlugin, execCredentials } from './exec-plugin.js';
import { at, listAt, textAt } from './objects.js';

const section = (object: JsonObject, name: string): JsonObject => {
  const found = object[name];
  return isJsonObject(found) ? found : {};
};

const named = (config: JsonObject, list: string, name: string): JsonObject | undefined =>
  listAt(config, list).find((each) => textAt(each, 'name') === name);

function parsed(yaml: string): JsonObject {
  let read: JsonValue;
  try {
    read = parse(yaml) as JsonValue;
  } catch (cause) {
    if (!(cause instanceof YAMLError)) throw cause;
    throw new AccessUnusable('the kubeconfig access cannot be read: it is no YAML', { cause });
  }
  if (isJsonObject(read)) return read;
  throw new AccessUnusable('the kubeconfig access cannot be read: it is no mapping');
}

/** Reads files and plug-ins anew each time it is asked; nothing else is kept. */
class Kubeconfig implements CredentialSource {
  private readonly plugin: ExecPlugin | undefined;

  constructor(
    private readonly cluster: JsonObject,
    private readonly user: JsonObject,
    private readonly directory: string,
  ) {
    this.plugin = this.exec();
  }

  get server(): string {
    return textAt(this.cluster, 'server');
  }

  async current(): Promise<Credentials> {
    const [ca, cert, key] = await Promise.all([
      this.content(this.cluster, 'certificate-authority'),
      this.content(this.user, 'client-certificate'),
      this.content(this.user, 'client-key'),
    ]);
    const servername = textAt(this.cluster, 'tls-server-name');
    const given = this.plugin === undefined ? {} : await execCredentials(this.plugin);
    const authorization = await this.authorization(given.token);
    const own = { ca, cert: given.certificate ?? cert, key: given.key ?? key, servername: servername || undefined };
    const tls = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined));
    const unverified = this.cluster['insecure-skip-tls-verify'] === true ? { rejectUnauthorized: false } : {};
    return { tls: { ...tls, ...unverified }, headers: authorization === undefined ? {} : { authorization } };
  }

  private async authorization(fromPlugin: string | undefined): Promise<string | undefined> {
    const file = textAt(this.user, 'tokenFile');
    const token = textAt(this.user, 'token') || (file === '' ? fromPlugin : (await this.read(file)).trim());
    if (token) return `Bearer ${token}`;
    const username = textAt(this.user, 'username');
    if (username === '') return undefined;
    return `Basic ${Buffer.from(`${username}:${textAt(this.user, 'password')}`).toString('base64')}`;
  }

  private async content(from: JsonObject, field: string): Promise<string | undefined> {
    const data = textAt(from, `${field}-data`);
    if (data !== '') return Buffer.from(data, 'base64').toString('utf8');
    const file = textAt(from, field);
    return file === '' ? undefined : this.read(file);
  }

  private async read(file: string): Promise<string> {
    try {
      return await readFile(resolve(this.directory, file), 'utf8');
    } catch (cause) {
      throw new AccessUnusable(`the kubeconfig names ${file}, which cannot be read`, { cause });
    }
  }

  private exec(): ExecPlugin | undefined {
    const exec = at(this.user, 'exec');
    if (!isJsonObject(exec)) return undefined;
    const command = textAt(exec, 'command');
    if (command === '') throw new AccessUnusable("the kubeconfig's exec plug-in names no command");
    const args = Array.isArray(exec.args) ? exec.args.map(String) : [];
    const env = Object.fromEntries(listAt(exec, 'env').map((each) => [textAt(each, 'name'), textAt(each, 'value')]));
    // a path, and not a name to be found in PATH, starts at the kubeconfig
    const isPath = /[\\/]/.test(command);
    const info = {
      apiVersion: textAt(exec, 'apiVersion') || 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      spec: { interactive: false, ...(exec.provideClusterInfo === true ? { cluster: this.clusterInfo() } : {}) },
    };
    return { command: isPath ? resolve(this.directory, command) : command, args, env, info };
  }

  private clusterInfo(): JsonObject {
    const data = textAt(this.cluster, 'certificate-authority-data');
    return { server: this.server, ...(data === '' ? {} : { 'certificate-authority-data': data }) };
  }
}

/** Undefined for a user with one of the old auth-provider plug-ins, which are client-node's own. */
export function kubeconfigSource({ yaml, directory, context }: KubeconfigAccess): CredentialSource | undefined {
  const config = parsed(yaml);
  const wanted = context ?? textAt(config, 'current-context');
  const chosen = named(config, 'contexts', wanted);
  if (chosen === undefined && context !== undefined)
    throw new AccessUnusable(`the kubeconfig has no context "${context}"`);
  const { cluster: clusterName, user: userName } = section(chosen ?? {}, 'context');
  const cluster = named(config, 'clusters', `${clusterName}`);
  if (cluster === undefined) throw new AccessUnusable('the kubeconfig has no current context with a cluster');
  const facts = section(cluster, 'cluster');
  const server = textAt(facts, 'server');
  if (!URL.canParse(server)) throw new AccessUnusable(`the kubeconfig's server "${server}" is no URL`);
  if (textAt(facts, 'proxy-url') !== '') throw new AccessUnusable('a kubeconfig with proxy-url is not supported');
  const user = section(named(config, 'users', `${userName}`) ?? {}, 'user');
  if (isJsonObject(user['auth-provider'])) return undefined;
  return new Kubeconfig(facts, user, directory ?? process.cwd());
}
