import type { DescMethod } from '@bufbuild/protobuf';
import { line } from '#contract';
import { type ClusterId, type Instant, Unauthenticated } from '#domain';
import type { IncomingCall } from '#platform';
import type { AgentStore } from '#store';
import type { Authority } from './authority/authority.js';

/** Whom the hub serves: an agent by its certificate, or somebody who has only a token yet. */
export type HubPrincipal =
  | { kind: 'nobody' }
  | { kind: 'agent'; cluster: ClusterId; serial: string; expiresAt: Instant };

export type AgentPrincipal = Extract<HubPrincipal, { kind: 'agent' }>;

/** The hub's own name in the store. */
export const hubActor = { kind: 'system', actor: 'hub' } as const;

/** Their first message is checked instead: an enrolment token, a ticket. */
const carriesItsCredential: ReadonlySet<DescMethod> = new Set([
  line.EnrolmentService.method.enrol,
  line.TunnelService.method.relay,
]);

/** Refuses everything without a certificate that the authority signed, that is in force and not revoked. */
export const authenticator =
  (parts: { authority: Pick<Authority, 'identify'>; store: AgentStore }) =>
  async (call: IncomingCall): Promise<HubPrincipal> => {
    if (carriesItsCredential.has(call.method)) return { kind: 'nobody' };
    const { peerCertificate } = call;
    if (peerCertificate === undefined)
      throw new Unauthenticated(
        'CERTIFICATE_REQUIRED',
        'the call needs a client certificate of this hub that is in force',
      );
    const identity = await parts.authority.identify(peerCertificate);
    if (identity.kind === 'refused')
      throw new Unauthenticated(
        `CERTIFICATE_${identity.why.toUpperCase()}`,
        `the client certificate is ${identity.why}`,
      );
    const standing = await parts.store.certificateStanding(identity);
    if (standing === 'revoked')
      throw new Unauthenticated('CERTIFICATE_REVOKED', `the certificate ${identity.serial} was revoked`);
    if (standing === 'cluster-unknown')
      throw new Unauthenticated('CLUSTER_UNKNOWN', `cluster "${identity.cluster}" is not registered`);
    const { cluster, serial, expiresAt } = identity;
    return { kind: 'agent', cluster, serial, expiresAt };
  };

/** The agent behind a call that its method does not serve without one. */
export function agentOf(principal: HubPrincipal): AgentPrincipal {
  if (principal.kind === 'agent') return principal;
  throw new Unauthenticated('CERTIFICATE_REQUIRED', 'the call needs a client certificate');
}
