import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import type { Instant } from '#domain';

/** What the agent shows to the hub, and what it believes the hub by. PEM. */
export interface AgentIdentity {
  privateKey: string;
  /** The certificate, then its authority's. */
  certificate: string;
  authority: string;
  cluster: string;
  /** Id of the token that it was enrolled with: another token asks for another identity. */
  token?: string | undefined;
  /** uid of the member that it was enrolled beside: one identity never speaks for two. */
  member?: string | undefined;
}

/** Where the identity lives between runs. */
export interface IdentityKeeper {
  load(): Promise<AgentIdentity | undefined>;
  save(identity: AgentIdentity): Promise<void>;
}

const keyAlgorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** A new key, and the request that proves to hold it (PKCS #10, DER). */
export async function newKey(): Promise<{ privateKey: string; request: Uint8Array }> {
  const keys = await crypto.subtle.generateKey(keyAlgorithm, true, ['sign', 'verify']);
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: 'CN=berth-agent',
    keys,
    signingAlgorithm: keyAlgorithm,
  });
  const pkcs8 = await crypto.subtle.exportKey('pkcs8', keys.privateKey);
  return { privateKey: x509.PemConverter.encode(pkcs8, 'PRIVATE KEY'), request: new Uint8Array(request.rawData) };
}

/** From when to when the identity's certificate is in force. */
export function validityOf({ certificate }: Pick<AgentIdentity, 'certificate'>): { from: Instant; until: Instant } {
  const [der] = x509.PemConverter.decode(certificate);
  if (der === undefined) throw new Error('the identity holds no certificate');
  const { notBefore, notAfter } = new x509.X509Certificate(der);
  return { from: notBefore.getTime(), until: notAfter.getTime() };
}

/** An identity that is gone with the process. */
export function memoryKeeper(initial?: AgentIdentity): IdentityKeeper {
  let kept = initial;
  return {
    load: async () => kept,
    save: async (identity) => {
      kept = identity;
    },
  };
}
