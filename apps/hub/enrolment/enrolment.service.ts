import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { Inject } from '@nestjs/common';
import { line } from '#contract';
import { Unauthenticated } from '#domain';
import { type RpcHandlers, RpcService } from '#platform';
import { consumeEnrolmentToken, recordCertificate, type Store, type TokenVerdict } from '#store';
import type { Authority } from '../authority/authority.js';
import { type HubLog, hubParts } from '../parts.js';
import { type HubPrincipal, hubActor } from '../principal.js';
import { readToken } from './token.js';

type Refused = Exclude<TokenVerdict, { kind: 'granted' }>['kind'];

const refusals = {
  unknown: ['TOKEN_UNKNOWN', 'the enrolment token is not known here'],
  used: ['TOKEN_USED', 'the enrolment token was used before; ask an operator for a new one'],
  void: ['TOKEN_VOID', 'the enrolment token was voided; ask an operator for a new one'],
  expired: ['TOKEN_EXPIRED', 'the enrolment token has expired; ask an operator for a new one'],
} as const satisfies Record<Refused, readonly [string, string]>;

const refuse = (kind: Refused): never => {
  const [reason, message] = refusals[kind];
  throw new Unauthenticated(reason, message);
};

/** Exchanges a one-use token for a certificate that names its cluster. */
@RpcService(line.EnrolmentService)
export class EnrolmentController implements RpcHandlers<typeof line.EnrolmentService, HubPrincipal> {
  constructor(
    @Inject(hubParts.store) private readonly store: Store,
    @Inject(hubParts.authority) private readonly authority: Authority,
    @Inject(hubParts.log) private readonly log: HubLog,
  ) {}

  /** The token is used up in the transaction that records the certificate: both happen, or neither. */
  async enrol(request: line.EnrolRequest) {
    const token = readToken(request.token) ?? refuse('unknown');
    const { cluster, issued } = await this.store.unitOfWork.run(hubActor, async (tx) => {
      const verdict = await consumeEnrolmentToken(tx, token);
      if (verdict.kind !== 'granted') return refuse(verdict.kind);
      const { cluster } = verdict;
      const issued = await this.authority.issueForAgent(request.certificateSigningRequest, cluster);
      await recordCertificate(tx, { serial: issued.serial, cluster, expiresAt: issued.expiresAt });
      await tx.audit.append({
        tenant: undefined,
        actor: `enrolment-token:${token.id}`,
        action: 'clusters.enrol',
        target: `clusters/${cluster}`,
        after: { serial: issued.serial },
      });
      return { cluster, issued };
    });
    this.log.info({ cluster, serial: issued.serial, agentVersion: request.agentVersion }, 'agent enrolled');
    return {
      certificateChain: issued.chain,
      authority: this.authority.certificate,
      cluster,
      expireTime: timestampFromMs(issued.expiresAt),
    };
  }
}
