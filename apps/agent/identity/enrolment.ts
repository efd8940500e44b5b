import { line } from '#contract';
import type { Millis } from '#domain';
import type { Timing } from '#kube';
import { type ClientTls, createRpcClient, RpcError } from '#platform/light';
import { type AgentLog, backoffMs, rest } from '../seams.js';
import { agentVersion } from '../version.js';
import { HubUnreachable, pinnedAuthority } from './first-contact.js';
import { type AgentIdentity, type IdentityKeeper, newKey, validityOf } from './identity.js';

/** The agent has no identity, and nothing to get one with. */
export class NotEnrolled extends Error {
  override name = 'NotEnrolled';
}

const timeoutMs: Millis = 15_000;
const retries = { firstMs: 500, longestMs: 15_000 };
const tokenForm = /^enrol_([a-z0-9-]+)_[A-Za-z0-9_-]+_([0-9a-f]{64})$/;

export interface EnrolmentOptions {
  hub: string;
  token: string | undefined;
  /** uid of the member cluster; empty while it does not answer. */
  member: string;
  keeper: IdentityKeeper;
  timing: Timing;
  log: AgentLog;
  signal: AbortSignal;
}

/** The kept identity was enrolled beside another member cluster. */
export class WrongMember extends Error {
  override name = 'WrongMember';

  constructor(cluster: string) {
    super(
      `the kept identity is that of cluster "${cluster}", which is another Kubernetes cluster than this one; give each agent a directory of its own (--directory, BERTH_AGENT_DIRECTORY)`,
    );
  }
}

/** Says whether an identity may speak for this member; it may while either of them is not known. */
export function checkMember(identity: AgentIdentity, member: string): void {
  if (member !== '' && identity.member !== undefined && identity.member !== member)
    throw new WrongMember(identity.cluster);
}

/**
 * The identity that is kept, while its certificate is in force and no other token is given; else a new one for the token.
 *
 * @throws NotEnrolled, WrongMember, HubNotTrusted, or RpcError with the hub's refusal (UNAUTHENTICATED, INVALID_ARGUMENT). While the
 * hub does not answer it is called again.
 */
export async function ensureIdentity(options: EnrolmentOptions): Promise<AgentIdentity> {
  const kept = await options.keeper.load();
  const { token } = options;
  if (kept !== undefined) {
    checkMember(kept, options.member);
    const isSame = token === undefined || kept.token === tokenForm.exec(token)?.[1];
    if (isSame && validityOf(kept).until > options.timing.clock.now()) return kept;
  }
  if (token === undefined)
    throw new NotEnrolled(
      kept === undefined
        ? `the agent has no identity yet: an enrolment token is needed (--token, BERTH_TOKEN); "berth cluster register NAME" gives one for a new cluster, "berth cluster token NAME" for one that is registered`
        : `the agent's certificate has expired: a new enrolment token is needed (--token, BERTH_TOKEN); "berth cluster token ${kept.cluster}" makes one`,
    );
  return enrolPatiently(options, token);
}

async function enrolPatiently(options: EnrolmentOptions, token: string): Promise<AgentIdentity> {
  const { timing, log, signal, hub } = options;
  for (let failures = 1; ; failures++) {
    try {
      return await enrol(options, token);
    } catch (error) {
      if (!isPassing(error)) throw error;
      log.warn({ hub, failures, err: error }, 'the hub cannot enrol the agent yet; trying again');
      if (!(await rest(timing, backoffMs(failures, retries, timing.chance), signal))) throw error;
    }
  }
}

const passingCodes: ReadonlySet<string> = new Set(['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'INTERNAL']);
const isPassing = (error: unknown): boolean =>
  error instanceof HubUnreachable || (error instanceof RpcError && passingCodes.has(error.code));

async function enrol({ hub, keeper, log, member }: EnrolmentOptions, token: string): Promise<AgentIdentity> {
  const [, tokenId, fingerprint] = tokenForm.exec(token) ?? [];
  if (fingerprint === undefined)
    throw new NotEnrolled(
      'the enrolment token (--token, BERTH_TOKEN) is malformed or cut short: it is given whole, enrol_ID_SECRET_FINGERPRINT, as "berth cluster register" or "berth cluster token NAME" printed it',
    );
  const pinned = await pinnedAuthority(hub, fingerprint, timeoutMs);
  const { privateKey, request } = await newKey();
  const client = createRpcClient(line.EnrolmentService, {
    address: hub,
    tls: { authority: pinned },
    ownConnection: true,
  });
  try {
    const answer = await client.rpc.enrol(
      { token, certificateSigningRequest: request, agentVersion },
      { deadlineMs: timeoutMs },
    );
    const { certificateChain: certificate, cluster } = answer;
    // the pinned authority, and not what the answer says
    const identity = {
      privateKey,
      certificate,
      authority: pinned,
      cluster,
      token: tokenId,
      ...(member === '' ? {} : { member }),
    };
    await keeper.save(identity);
    log.info({ cluster, until: new Date(validityOf(identity).until).toISOString() }, 'agent enrolled');
    return identity;
  } finally {
    client.close();
  }
}

export const tlsOf = ({ authority, certificate, privateKey }: AgentIdentity): ClientTls => ({
  authority,
  certificate,
  privateKey,
});
