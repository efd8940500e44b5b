import { createHash, X509Certificate } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import type { Clock, ClusterId, Ids, Instant, Millis } from '#domain';
import type { ServerTls } from '#platform';
import {
  type ClientIdentity,
  identifyClient,
  keyAlgorithm,
  keyPem,
  type Signer,
  serialOf,
  signAgent,
  signAuthority,
  signServer,
} from './certificates.js';
import { readOrMakeFile } from './files.js';

const authorityLifetimeMs: Millis = 10 * 365 * 24 * 3_600_000;

export interface AuthorityOptions {
  /** Where its key is kept: one file, for the owner alone. */
  directory: string;
  clock: Clock;
  ids: Pick<Ids, 'secret'>;
  /** Of agents' and the hub's own certificates. */
  lifetimeMs: Millis;
}

export interface IssuedCertificate {
  /** PEM: the certificate, then the authority's. */
  chain: string;
  serial: string;
  expiresAt: Instant;
}

/** Signs for agents and for the hub itself, and reads what agents show. */
export class Authority {
  /** Its certificate as OpenSSL reads it. */
  private readonly root: X509Certificate;

  private constructor(
    private readonly signer: Signer,
    private readonly options: AuthorityOptions,
  ) {
    this.root = new X509Certificate(Buffer.from(signer.certificate.rawData));
  }

  /** Reads the authority from its directory; makes one when there is none. */
  static async open(options: AuthorityOptions): Promise<Authority> {
    const text = await readOrMakeFile(options.directory, 'authority.pem', async () => {
      const made = await signAuthority({
        now: options.clock.now(),
        lifetimeMs: authorityLifetimeMs,
        serial: newSerial(options.ids),
      });
      return `${keyPem(made.pkcs8)}\n${made.certificate.toString('pem')}\n`;
    });
    const [pkcs8, der] = x509.PemConverter.decode(text);
    if (pkcs8 === undefined || der === undefined)
      throw new Error(`${options.directory}/authority.pem does not hold a key and a certificate`);
    const key = await crypto.subtle.importKey('pkcs8', pkcs8, keyAlgorithm, false, ['sign']);
    return new Authority({ key, certificate: new x509.X509Certificate(der) }, options);
  }

  /** PEM of its certificate: nothing secret. */
  get certificate(): string {
    return this.signer.certificate.toString('pem');
  }

  /** SHA-256 of its certificate's DER, hex: what enrolment tokens carry, so that an agent knows its hub at first sight. */
  get fingerprint(): string {
    return createHash('sha256').update(Buffer.from(this.signer.certificate.rawData)).digest('hex');
  }

  async issueForAgent(request: Uint8Array, cluster: ClusterId): Promise<IssuedCertificate> {
    return this.issued(await signAgent(this.signer, request, cluster, this.validity()));
  }

  /** For the hub's server, by the host names and addresses that agents call. */
  async issueForServer(hosts: readonly string[]): Promise<{ tls: ServerTls; expiresAt: Instant }> {
    const { certificate, pkcs8 } = await signServer(this.signer, hosts, this.validity());
    const { chain, expiresAt } = this.issued(certificate);
    return { tls: { certificate: chain, privateKey: keyPem(pkcs8), clientAuthority: this.certificate }, expiresAt };
  }

  async identify(der: Uint8Array): Promise<ClientIdentity> {
    return identifyClient(this.root, der, this.options.clock.now());
  }

  private validity() {
    return { now: this.options.clock.now(), lifetimeMs: this.options.lifetimeMs, serial: newSerial(this.options.ids) };
  }

  private issued(certificate: x509.X509Certificate): IssuedCertificate {
    return {
      chain: `${certificate.toString('pem')}\n${this.certificate}\n`,
      serial: serialOf(certificate),
      expiresAt: certificate.notAfter.getTime(),
    };
  }
}

/** 127 random bits; the first is 0, the second 1: positive, and always of one length (RFC 5280, 4.1.2.2). */
function newSerial(ids: Pick<Ids, 'secret'>): string {
  const bytes = Buffer.from(ids.secret(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes.toString('hex');
}
