import { readFile } from 'node:fs/promises';
import type { RequestOptions } from 'node:https';
import { join } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import {
  AccessUnusable,
  type ClusterAccess,
  type CredentialSource,
  type Credentials,
  type KubeconfigAccess,
} from './access.js';
import { kubeconfigSource } from './kubeconfig.js';

export { AccessUnusable, type ClusterAccess, type CredentialSource, type Credentials };

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

function inClusterSource(access: ClusterAccess & { kind: 'in-cluster' }): CredentialSource {
  const dir = access.serviceAccountDir ?? '/var/run/secrets/kubernetes.io/serviceaccount';
  const host = access.host.includes(':') ? `[${access.host}]` : access.host;
  const read = async (name: string): Promise<string> => {
    try {
      return await readFile(join(dir, name), 'utf8');
    } catch (cause) {
      throw new AccessUnusable(`the pod's service account has no ${name} in ${dir}`, { cause });
    }
  };
  return {
    server: `https://${host}:${access.port}`,
    current: async () => {
      const [ca, token] = await Promise.all([read('ca.crt'), read('token')]);
      return { tls: { ca }, headers: { authorization: `Bearer ${token.trim()}` } };
    },
  };
}

/** client-node takes a second and 80 MB to load: only the old auth-provider plug-ins (gcp, azure, oidc) need it. */
async function authProviderSource({ yaml, context }: KubeconfigAccess): Promise<CredentialSource> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  try {
    config.loadFromString(yaml);
    if (context !== undefined) config.setCurrentContext(context);
  } catch (cause) {
    throw new AccessUnusable('the kubeconfig access cannot be read', { cause });
  }
  return configSource(config);
}

/** @throws AccessUnusable when what is described cannot be used. */
export async function credentialSource(access: ClusterAccess): Promise<CredentialSource> {
  if (access.kind === 'token') return tokenSource(access);
  if (access.kind === 'in-cluster') return inClusterSource(access);
  return kubeconfigSource(access) ?? (await authProviderSource(access));
}
