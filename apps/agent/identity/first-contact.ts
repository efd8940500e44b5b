import { createHash } from 'node:crypto';
import { connect, type DetailedPeerCertificate } from 'node:tls';
import type { Millis } from '#domain';
import { splitAddress } from '../address.js';

/** The hub that answers is not the one that the token was made for: nothing is sent to it. */
export class HubNotTrusted extends Error {
  override name = 'HubNotTrusted';
}

/** The hub does not answer. */
export class HubUnreachable extends Error {
  override name = 'HubUnreachable';
}

const pemOf = (der: Buffer): string =>
  `-----BEGIN CERTIFICATE-----\n${der
    .toString('base64')
    .replaceAll(/(.{64})/g, '$1\n')
    .trimEnd()}\n-----END CERTIFICATE-----\n`;

/** The certificates that a peer has shown, leaf first. */
function shown(leaf: DetailedPeerCertificate): Buffer[] {
  const chain: Buffer[] = [];
  for (let each = leaf; each?.raw !== undefined; each = each.issuerCertificate) {
    if (chain.some((der) => der.equals(each.raw))) break;
    chain.push(each.raw);
  }
  return chain;
}

/**
 * Fetches the authority that the token pins: the certificate in the hub's chain with that fingerprint (SHA-256 of its
 * DER, hex), as PEM. Nothing is sent over this connection; whoever is called afterwards is checked against it in full.
 *
 * @throws HubNotTrusted when no certificate of the chain has the fingerprint; HubUnreachable when nobody answers.
 */
export function pinnedAuthority(address: string, fingerprint: string, timeoutMs: Millis): Promise<string> {
  const { host, port } = splitAddress(address);
  return new Promise((resolve, reject) => {
    // deliberately unverified: the pin is the check, and there is no authority to check against before it
    const socket = connect({ host, port, rejectUnauthorized: false, minVersion: 'TLSv1.3', ALPNProtocols: ['h2'] });
    const end = (settle: () => void) => {
      socket.destroy();
      settle();
    };
    socket.setTimeout(timeoutMs, () => end(() => reject(new HubUnreachable(`${address} does not answer`))));
    socket.once('error', (cause) => end(() => reject(new HubUnreachable(`${address} does not answer`, { cause }))));
    socket.once('secureConnect', () => {
      const chain = shown(socket.getPeerCertificate(true));
      const pinned = chain.find((der) => createHash('sha256').update(der).digest('hex') === fingerprint);
      const message = `${address} shows no certificate with the fingerprint that the token pins; is it the hub that made the token?`;
      end(() => (pinned === undefined ? reject(new HubNotTrusted(message)) : resolve(pemOf(pinned))));
    });
  });
}
