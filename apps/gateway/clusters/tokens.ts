import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampOf, type wire } from '#contract';
import { type Ids, PreconditionFailed } from '#domain';
import { insertEnrolmentToken, type Transaction } from '#store';
import { hashOf } from '../auth/api-key.js';
import type { EnrolmentPoint } from '../parts.js';

const tokenTtlMs = 60 * 60_000;

export type EnrolmentTokenInit = MessageInitShape<typeof wire.EnrolmentTokenSchema>;

/** A fresh token for whoever asked, and what may be told of it to others. */
export interface IssuedToken {
  answer: EnrolmentTokenInit;
  id: string;
  expiresAt: Date;
}

/**
 * Makes a one-use token, `enrol_<id>_<secret>_<fingerprint>`: the agent knows the hub's authority by the fingerprint,
 * from the first contact on. Earlier unused tokens of the cluster are void.
 *
 * @throws PreconditionFailed while no hub has made its authority.
 */
export async function issueToken(
  tx: Transaction,
  cluster: string,
  { ids, enrolment }: { ids: Ids; enrolment: EnrolmentPoint },
): Promise<IssuedToken> {
  const fingerprint = await enrolment.authorityFingerprint();
  if (fingerprint === undefined)
    throw new PreconditionFailed('HUB_NOT_READY', 'the hub has made no authority yet; start the hub and try again');
  const [id, secret] = [ids.shortId(12), Buffer.from(ids.secret(32)).toString('base64url')];
  const expiresAt = await insertEnrolmentToken(tx, { id, cluster, secretHash: hashOf(secret), ttlMs: tokenTtlMs });
  const token = `enrol_${id}_${secret}_${fingerprint}`;
  return {
    answer: { token, expireTime: timestampOf(expiresAt), hubAddress: enrolment.hubAddress },
    id,
    expiresAt,
  };
}
