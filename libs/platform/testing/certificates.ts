import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

export interface Authority {
  /** PEM of the authority itself. */
  readonly certificate: string;
  /** Signs a certificate for `name`, good for `host`, by default 127.0.0.1 and localhost. PEM, and DER. */
  sign(name: string, host?: string): Promise<{ certificate: string; privateKey: string; der: Buffer }>;
}

const pemOfKey = async (key: webcrypto.CryptoKey): Promise<string> =>
  x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY');

/** A certificate authority for tests. */
export const createAuthority = async (name: string): Promise<Authority> => {
  x509.cryptoProvider.set(webcrypto);
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const validity = { notBefore: new Date('2020-01-01'), notAfter: new Date('2049-01-01') };
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    ...validity,
    keys,
    signingAlgorithm: algorithm,
    extensions: [new x509.BasicConstraintsExtension(true, 1, true)],
  });
  return {
    certificate: root.toString('pem'),
    sign: async (subject, host) => {
      const own = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
      const names = new x509.SubjectAlternativeNameExtension(
        host === undefined
          ? [
              { type: 'ip', value: '127.0.0.1' },
              { type: 'dns', value: 'localhost' },
            ]
          : [{ type: 'dns', value: host }],
      );
      const certificate = await x509.X509CertificateGenerator.create({
        subject: `CN=${subject}`,
        issuer: root.subject,
        ...validity,
        publicKey: own.publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: algorithm,
        extensions: [names],
      });
      return {
        certificate: certificate.toString('pem'),
        privateKey: await pemOfKey(own.privateKey),
        der: Buffer.from(certificate.rawData),
      };
    },
  };
};
