import type { RequestOptions } from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';

/** How a member cluster is reached. */
export type ClusterAccess =
  /** A kubeconfig's YAML: its current context, with client certificates, tokens, exec plug-ins. */
  | { kind: 'kubeconfig'; yaml: string }
  /** The service account of the pod that this runs in; host and port as KUBERNETES_SERVICE_HOST and _PORT say. */
  | { kind: 'in-cluster'; host: string; port: string; serviceAccountDir?: string }
  | { kind: 'token'; url: string; token?: string /** PEM */; ca?: string };

/** What TLS and HTTP need of credentials at one moment; exec plug-ins and token files make new ones over time. */
export interface Credentials {
  tls: { ca?: string; cert?: string; key?: string; servername?: string; rejectUnauthorized?: boolean };
  headers: Record<string, string>;
}

export interface CredentialSource {
  /** `https://host:port`, with a path when a proxy puts the API under one. */
  readonly server: string;
  current(): Promise<Credentials>;
}

/** The access description cannot be used: no current context, no server, an unreadable file. */
export class AccessUnusable extends Error {
  override name = 'AccessUnusable';
}

const tokenSource = (access: ClusterAccess & { kind: 'token' }): CredentialSource => ({
  server: access.url,
  current: async () => ({
    tls: access.ca === undefined ? {} : { ca: access.ca },
    headers: access.token === undefined ? {} : { authorization: `Bearer ${access.token}` },
  }),
});

const pem = (value: RequestOptions['ca']): string | undefined => {
  if (typeof value === 'string') return value;
  return Buffer.isBuffer(value) ? value.toString('utf8') : undefined;
};

const headersOf = (options: RequestOptions): Record<string, string> => {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(options.headers ?? {}))
    if (typeof value === 'string') headers[name.toLowerCase()] = value.trim();
  if (typeof options.auth === 'string') headers.authorization = `Basic ${Buffer.from(options.auth).toString('base64')}`;
  return headers;
};

async function configCredentials(config: KubeConfig): Promise<Credentials> {
  const options: RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  const ca = pem(options.ca);
  const cert = pem(options.cert);
  const key = typeof options.key === 'string' || Buffer.isBuffer(options.key) ? options.key.toString() : undefined;
  return {
    tls: {
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(options.servername === undefined ? {} : { servername: options.servername }),
      ...(options.rejectUnauthorized === undefined ? {} : { rejectUnauthorized: options.rejectUnauthorized }),
    },
    headers: headersOf(options),
  };
}

function configSource(config: KubeConfig): CredentialSource {
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new AccessUnusable('the kubeconfig has no current context with a cluster');
  if (!URL.canParse(cluster.server)) throw new AccessUnusable(`the kubeconfig's server "${cluster.server}" is no URL`);
  if (cluster.proxyUrl !== undefined) throw new AccessUnusable('a kubeconfig with proxy-url is not supported');
  // client-node refuses plain http unless verification is off; there is nothing to verify without TLS
  config.clusters = config.clusters.map((each) =>
    each.server.startsWith('http:') ? { ...each, skipTLSVerify: true } : each,
  );
  return { server: cluster.server, current: () => configCredentials(config) };
}

function inClusterConfig(config: KubeConfig, access: ClusterAccess & { kind: 'in-cluster' }): void {
  const dir = access.serviceAccountDir ?? '/var/run/secrets/kubernetes.io/serviceaccount';
  const host = access.host.includes(':') ? `[${access.host}]` : access.host;
  const server = `https://${host}:${access.port}`;
  const authProvider = { name: 'tokenFile', config: { tokenFile: `${dir}/token` } };
  config.loadFromClusterAndUser(
    { name: 'in-cluster', server, caFile: `${dir}/ca.crt`, skipTLSVerify: false },
    { name: 'in-cluster', authProvider },
  );
}

/** client-node takes a second and 80 MB to load: only those who come with a kubeconfig or from inside pay for it. */
export async function credentialSource(access: ClusterAccess): Promise<CredentialSource> {
  if (access.kind === 'token') return tokenSource(access);
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  try {
    if (access.kind === 'in-cluster') inClusterConfig(config, access);
    else config.loadFromString(access.yaml);
  } catch (cause) {
    throw new AccessUnusable(`the ${access.kind} access cannot be read`, { cause });
  }
  return configSource(config);
}
