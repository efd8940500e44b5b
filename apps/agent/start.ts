import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { hostname } from 'node:os';
import { type Chance, type Clock, systemClock } from '#domain';
import { type MemberCluster, systemTiming, type Timing } from '#kube';
import { type EnrolmentOptions, ensureIdentity } from './identity/enrolment.js';
import type { AgentIdentity, IdentityKeeper } from './identity/identity.js';
import { uidOf } from './identity/member-uid.js';
import { LivingIdentity } from './identity/renewal.js';
import { live } from './life.js';
import { grpcDial } from './line/connector.js';
import type { AgentLog } from './seams.js';

export interface AgentOptions {
  /** host:port of the hub, as its certificate names it. */
  hub: string;
  identity: IdentityKeeper;
  /** For the first start only; later the identity that was kept serves. */
  token?: string | undefined;
  /** Closed with the agent. */
  member: MemberCluster;
  log: AgentLog;
  clock?: Clock;
  chance?: Chance;
  /** Waiting, for simulated time. */
  sleep?: Timing['sleep'];
  /** Where it says that it runs; else this machine's name. */
  hostName?: string;
  /** Ends it, also while it waits for its identity. */
  signal?: AbortSignal;
}

export interface RunningAgent {
  /** The cluster that its certificate names. */
  cluster: string;
  /** Rejects when a defect has ended the agent. */
  done: Promise<void>;
  close(): Promise<void>;
}

/**
 * Starts an agent; resolves when it has its identity, and connects from then on for as long as it runs.
 *
 * @throws NotEnrolled, WrongMember, HubNotTrusted, RpcError (the hub's refusal of the token). The member is closed then.
 */
export async function startAgent(options: AgentOptions): Promise<RunningAgent> {
  const { hub, token, member, log } = options;
  const timing: Timing = {
    clock: options.clock ?? systemClock,
    chance: options.chance ?? systemTiming.chance,
    sleep: options.sleep ?? systemTiming.sleep,
  };
  const stopping = new AbortController();
  const { signal } = stopping;
  setMaxListeners(0, signal); // every call in flight listens to it
  const stop = () => stopping.abort(new Error('the agent ends'));
  options.signal?.addEventListener('abort', stop, { once: true });
  if (options.signal?.aborted === true) stop();
  const keeper = options.identity;
  const initial = await identified({ hub, token, keeper, timing, log, signal }, options.member).catch(
    async (error: unknown) => {
      await member.close();
      throw error;
    },
  );
  const bound = log.child({ cluster: initial.cluster });
  const living = new LivingIdentity(initial, { hub, keeper, timing, log: bound, signal });
  const instance = { id: randomUUID(), hostName: options.hostName ?? hostname() };
  const running = live({ member, timing, log: bound, instance, signal }, grpcDial(hub, living), living);
  void running.catch(() => undefined); // `done` still rejects for those who wait for it
  return {
    cluster: initial.cluster,
    done: running,
    close: async () => {
      stop();
      options.signal?.removeEventListener('abort', stop);
      await running.catch(() => undefined); // told by `done`
      await member.close();
    },
  };
}

/** The identity that may speak for this member. */
async function identified(options: Omit<EnrolmentOptions, 'member'>, member: MemberCluster): Promise<AgentIdentity> {
  return ensureIdentity({ ...options, member: await uidOf(member) });
}
