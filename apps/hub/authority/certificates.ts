import 'reflect-metadata';
import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import * as x509 from '@peculiar/x509';
import { type ClusterId, dnsLabel, type Instant, InvalidRequest, type Millis } from '#domain';

/** ECDSA on P-256: what the authority signs with, and what it makes for servers. */
export const keyAlgorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

const serverAuth = '1.3.6.1.5.5.7.3.1';
const clientAuth = '1.3.6.1.5.5.7.3.2';
const trustDomain = 'spiffe://berth/cluster/';
/** Clocks of members may be behind: an agent checks the hub's certificate by its own. */
const backdatedMs: Millis = 3_600_000;

/** The authority's own certificate and key. */
export interface Signer {
  certificate: x509.X509Certificate;
  key: x509.X509CertificateCreateWithKeyParams['signingKey'];
}

interface Validity {
  now: Instant;
  lifetimeMs: Millis;
  serial: string;
}

const validity = ({ now, lifetimeMs, serial }: Validity) => ({
  serialNumber: serial,
  notBefore: new Date(now - backdatedMs),
  notAfter: new Date(now + lifetimeMs),
});

export async function signAuthority(of: Validity): Promise<Signer & { pkcs8: ArrayBuffer }> {
  const keys = await crypto.subtle.generateKey(keyAlgorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    ...validity(of),
    name: 'CN=Berth agents authority',
    keys,
    signingAlgorithm: keyAlgorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate, key: keys.privateKey, pkcs8: await crypto.subtle.exportKey('pkcs8', keys.privateKey) };
}

const leafExtensions = async (signer: Signer, usage: string, names: x509.JsonGeneralNames) => [
  new x509.BasicConstraintsExtension(false, undefined, true),
  new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
  new x509.ExtendedKeyUsageExtension([usage]),
  new x509.SubjectAlternativeNameExtension(names),
  await x509.AuthorityKeyIdentifierExtension.create(signer.certificate.publicKey),
];

/** A certificate for the hub itself, with a new key, for the names and IP addresses that agents call. */
export async function signServer(
  signer: Signer,
  hosts: readonly string[],
  of: Validity,
): Promise<{ certificate: x509.X509Certificate; pkcs8: ArrayBuffer }> {
  const keys = await crypto.subtle.generateKey(keyAlgorithm, true, ['sign', 'verify']);
  const names = hosts.map((host): x509.JsonGeneralName => ({ type: isIP(host) === 0 ? 'dns' : 'ip', value: host }));
  const certificate = await x509.X509CertificateGenerator.create({
    ...validity(of),
    subject: 'CN=berth-hub',
    issuer: signer.certificate.subject,
    publicKey: keys.publicKey,
    signingKey: signer.key,
    signingAlgorithm: keyAlgorithm,
    extensions: await leafExtensions(signer, serverAuth, names),
  });
  return { certificate, pkcs8: await crypto.subtle.exportKey('pkcs8', keys.privateKey) };
}

/**
 * A certificate naming one cluster, for the key that the request proves to hold. The request's subject and extensions
 * are not believed.
 *
 * @throws InvalidRequest for a request that is malformed, not signed by its own key, or of another kind of key.
 */
export async function signAgent(
  signer: Signer,
  request: Uint8Array,
  cluster: ClusterId,
  of: Validity,
): Promise<x509.X509Certificate> {
  const publicKey = await provenKey(request);
  return x509.X509CertificateGenerator.create({
    ...validity(of),
    subject: `CN=${cluster}`,
    issuer: signer.certificate.subject,
    publicKey,
    signingKey: signer.key,
    signingAlgorithm: keyAlgorithm,
    extensions: await leafExtensions(signer, clientAuth, [{ type: 'url', value: `${trustDomain}${cluster}` }]),
  });
}

async function provenKey(der: Uint8Array): Promise<x509.PublicKey> {
  const field = 'certificate_signing_request';
  let request: x509.Pkcs10CertificateRequest;
  let isProven: boolean;
  try {
    request = new x509.Pkcs10CertificateRequest(Uint8Array.from(der));
    isProven = await request.verify();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new InvalidRequest([{ field, description: `is no PKCS #10 request in DER: ${why.slice(0, 200)}` }]);
  }
  const { name } = request.publicKey.algorithm;
  if (name !== 'ECDSA')
    throw new InvalidRequest([{ field, description: `found a key of ${name}; allowed is ECDSA on P-256 or P-384` }]);
  if (!isProven) throw new InvalidRequest([{ field, description: 'is not signed by the key that it names' }]);
  return request.publicKey;
}

/** Whom a client certificate names, or why it names nobody. */
export type ClientIdentity =
  | { kind: 'cluster'; cluster: ClusterId; serial: string; expiresAt: Instant }
  | { kind: 'refused'; why: 'malformed' | 'foreign' | 'expired' | 'nameless' };

/**
 * Reads a certificate in DER; believes it only when the authority signed it for a client and it is in force. OpenSSL reads
 * and checks it: a library in JavaScript takes ten times the CPU, and a whole fleet may come back in one second.
 */
export function identifyClient(authority: X509Certificate, der: Uint8Array, now: Instant): ClientIdentity {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(der);
  } catch {
    return { kind: 'refused', why: 'malformed' };
  }
  // what Node calls keyUsage is the extended one
  const isForClients = certificate.keyUsage?.includes(clientAuth) === true;
  if (!certificate.checkIssued(authority) || !certificate.verify(authority.publicKey) || !isForClients)
    return { kind: 'refused', why: 'foreign' };
  const expiresAt = Date.parse(certificate.validTo);
  if (!(now >= Date.parse(certificate.validFrom) && now < expiresAt)) return { kind: 'refused', why: 'expired' };
  const names = certificate.subjectAltName ?? '';
  // what could be taken for a separator comes quoted (CVE-2021-44532), and Berth never signs such a name
  const [uri, ...others] = names.includes('"') ? [] : names.split(', ').filter((name) => name.startsWith('URI:'));
  const prefix = `URI:${trustDomain}`;
  const cluster = uri?.startsWith(prefix) === true ? uri.slice(prefix.length) : '';
  if (others.length > 0 || !dnsLabel.test(cluster)) return { kind: 'refused', why: 'nameless' };
  return { kind: 'cluster', cluster, serial: certificate.serialNumber.toLowerCase(), expiresAt };
}

/** Lower-case hex, as the store keeps it. */
export const serialOf = (certificate: x509.X509Certificate): string => certificate.serialNumber.toLowerCase();

/** PEM of a private key. */
export const keyPem = (pkcs8: ArrayBuffer): string => x509.PemConverter.encode(pkcs8, 'PRIVATE KEY');
