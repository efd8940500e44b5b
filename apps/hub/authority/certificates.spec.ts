import 'reflect-metadata';
import { X509Certificate } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { beforeAll, describe, expect, it } from 'vitest';
import { identifyClient, keyAlgorithm, type Signer, signAgent, signAuthority, signServer } from './certificates.js';

const now = Date.UTC(2030, 0, 1);
const serial = `4${'0a'.repeat(15)}1`;
const lifetimeMs = 3_600_000;
const clientAuth = '1.3.6.1.5.5.7.3.2';

let signer: Signer;
let root: X509Certificate;

const derOf = (certificate: x509.X509Certificate) => new Uint8Array(certificate.rawData);

async function newRequest(): Promise<Uint8Array> {
  const keys = await crypto.subtle.generateKey(keyAlgorithm, true, ['sign', 'verify']);
  const request = await x509.Pkcs10CertificateRequestGenerator.create({ keys, signingAlgorithm: keyAlgorithm });
  return new Uint8Array(request.rawData);
}

const agentOf = async (by: Signer, cluster = 'alpha') =>
  derOf(await signAgent(by, await newRequest(), cluster, { now, lifetimeMs, serial }));

/** Signed by the authority for a client, with names of any kind. */
async function namedBy(names: x509.JsonGeneralNames): Promise<Uint8Array> {
  const { publicKey } = new x509.Pkcs10CertificateRequest(Uint8Array.from(await newRequest()));
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial,
    notBefore: new Date(now),
    notAfter: new Date(now + lifetimeMs),
    subject: 'CN=any',
    issuer: signer.certificate.subject,
    publicKey,
    signingKey: signer.key,
    signingAlgorithm: keyAlgorithm,
    extensions: [new x509.ExtendedKeyUsageExtension([clientAuth]), new x509.SubjectAlternativeNameExtension(names)],
  });
  return derOf(certificate);
}

describe('identifyClient', () => {
  beforeAll(async () => {
    signer = await signAuthority({ now, lifetimeMs: lifetimeMs * 10, serial });
    root = new X509Certificate(derOf(signer.certificate));
  });

  it('reads the cluster, the serial as the store keeps it, and the end', async () => {
    const expected = { kind: 'cluster', cluster: 'alpha', serial, expiresAt: now + lifetimeMs };
    expect(identifyClient(root, await agentOf(signer), now)).toEqual(expected);
  });

  it('refuses what no certificate is', () => {
    expect(identifyClient(root, Uint8Array.of(1, 2, 3), now)).toEqual({ kind: 'refused', why: 'malformed' });
  });

  it('refuses what another authority of the same name has signed', async () => {
    const other = await signAuthority({ now, lifetimeMs, serial });
    expect(identifyClient(root, await agentOf(other), now)).toEqual({ kind: 'refused', why: 'foreign' });
  });

  it('refuses a certificate whose content was changed after it was signed', async () => {
    const der = await agentOf(signer, 'alpha');
    const at = Buffer.from(der).lastIndexOf('cluster/alpha') + 'cluster/'.length;
    der[at] = 'b'.charCodeAt(0);
    expect(identifyClient(root, der, now)).toEqual({ kind: 'refused', why: 'foreign' });
  });

  it('refuses the certificate of a server', async () => {
    const { certificate } = await signServer(signer, ['hub.example'], { now, lifetimeMs, serial });
    expect(identifyClient(root, derOf(certificate), now)).toEqual({ kind: 'refused', why: 'foreign' });
  });

  it('refuses a certificate before and after its time', async () => {
    const der = await agentOf(signer);
    for (const at of [now - 2 * 3_600_000, now + lifetimeMs])
      expect(identifyClient(root, der, at)).toEqual({ kind: 'refused', why: 'expired' });
  });

  it.each<[string, x509.JsonGeneralNames]>([
    ['no name of a cluster', [{ type: 'dns', value: 'alpha.example' }]],
    ['two names', ['alpha', 'beta'].map((each) => ({ type: 'url', value: `spiffe://berth/cluster/${each}` }))],
    ['a name of another domain', [{ type: 'url', value: 'spiffe://other/cluster/alpha' }]],
    ['a name that is no label', [{ type: 'url', value: 'spiffe://berth/cluster/Alpha/x' }]],
    ['a name hidden in another', [{ type: 'dns', value: 'a, URI:spiffe://berth/cluster/alpha, DNS:b' }]],
  ])('refuses %s', async (_title, names) => {
    expect(identifyClient(root, await namedBy(names), now)).toEqual({ kind: 'refused', why: 'nameless' });
  });
});
