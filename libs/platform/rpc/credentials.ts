import type { SecureContextOptions } from 'node:tls';
import { ServerCredentials } from '@grpc/grpc-js';

/** PEM. TLS 1.3 and nothing older. */
export interface ServerTls {
  certificate: string | Buffer;
  privateKey: string | Buffer;
  /** Authority of client certificates. Set: clients may show one, and only one that it signed counts. */
  clientAuthority?: string | Buffer;
  /** Refuse connections without such a certificate. Default: let them in, with no `peerCertificate`. */
  requireClientCertificate?: boolean;
}

const contextOf = (tls: ServerTls): SecureContextOptions => ({
  cert: tls.certificate,
  key: tls.privateKey,
  minVersion: 'TLSv1.3',
  ...(tls.clientAuthority === undefined ? {} : { ca: tls.clientAuthority }),
});

/** grpc-js' own TLS credentials take neither a lowest version nor an optional client certificate. */
export class TlsServerCredentials extends ServerCredentials {
  constructor(tls: ServerTls) {
    const requestCert = tls.clientAuthority !== undefined;
    const rejectUnauthorized = requestCert && tls.requireClientCertificate === true;
    super({ requestCert, rejectUnauthorized, minVersion: 'TLSv1.3' }, contextOf(tls));
  }

  /** New connections get the new certificate; open ones live on. */
  replace(tls: ServerTls): void {
    this.updateSecureContextOptions(contextOf(tls));
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}
