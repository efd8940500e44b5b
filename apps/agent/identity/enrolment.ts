import { line } from '#contract';
import type { Millis } from '#domain';
import type { Timing } from '#kube';
import { type ClientTls, createRpcClient, RpcError } from '#platform';
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
const tokenForm = /^enrol_[a-z0-9-]+_[A-Za-z0-9_-]+_([0-9a-f]{64})$/;

export interface EnrolmentOptions {
  hub: string;
  token: string | undefined;
  keeper: IdentityKeeper;
  timing: Timing;
  log: AgentLog;
  signal: AbortSignal;
}

/**
 * The identity that is kept, while its certificate is in force; else a new one for the token.
 *
 * @throws NotEnrolled, HubNotTrusted, or RpcError with the hub's refusal (UNAUTHENTICATED, INVALID_ARGUMENT). While the
 * hub does not answer it is called again.
 */
export async function ensureIdentity(options: EnrolmentOptions): Promise<AgentIdentity> {
  const kept = await options.keeper.load();
  if (kept !== undefined && validityOf(kept).until > options.timing.clock.now()) return kept;
  const { token } = options;
  if (token === undefined)
    throw new NotEnrolled(
      kept === undefined
        ? 'the agent has no identity yet: an enrolment token is needed (BERTH_TOKEN)'
        : `the agent's certificate has expired: a new enrolment token is needed (BERTH_TOKEN)`,
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

async function enrol({ hub, keeper, log }: EnrolmentOptions, token: string): Promise<AgentIdentity> {
  const fingerprint = tokenForm.exec(token)?.[1];
  if (fingerprint === undefined) throw new NotEnrolled('the enrolment token is malformed; it begins with enrol_');
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
    const identity = { privateKey, certificate, authority: pinned, cluster };
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
