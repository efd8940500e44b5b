export interface KubeconfigAccess {
  kind: 'kubeconfig';
  yaml: string;
  /** Where relative paths in it start; by default the working directory. */
  directory?: string | undefined;
  /** In place of its current context. */
  context?: string | undefined;
}

/** How a member cluster is reached. */
export type ClusterAccess =
  /** A kubeconfig's YAML: its current context, with client certificates, tokens, exec plug-ins. */
  | KubeconfigAccess
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
