import { readApplicationName, type wire } from '#contract';
import { type Clock, InvalidRequest, type JsonObject, type Principal } from '#domain';
import type { RpcCall } from '#platform';
import type { Store, TunnelTarget } from '#store';
import type { Authenticator } from '../auth/authenticator.js';
import { checkScope } from '../auth/scope.js';
import type { Relay, Relays } from './relays.js';
import { chosen } from './targets.js';
import type { TicketOffice } from './tickets.js';

export interface WorkloadParts {
  store: Store;
  clock: Clock;
  office: TicketOffice;
  relays: Relays;
  authenticator: Authenticator;
}

export interface OpenTunnel {
  relay: Relay;
  target: TunnelTarget;
}

interface Opening {
  target: wire.TargetSelection | undefined;
  action: string;
  order: Parameters<TicketOffice['issue']>[2]['order'];
  /** What the audit tells beside the target. */
  audit: JsonObject;
}

/** Opens a tunnel to one pod and closes it after `use`, or when the caller leaves or its key is revoked. */
export async function openTunnel(
  { office, relays, authenticator }: WorkloadParts,
  call: RpcCall<Principal>,
  { target: selection, action, order, audit }: Opening,
  use: (tunnel: OpenTunnel) => Promise<void>,
): Promise<void> {
  if (selection === undefined) throw new InvalidRequest([{ field: 'target', description: 'found nothing' }]);
  checkScope(selection, call);
  const { principal } = call;
  const { name, environment, pod } = selection;
  const key = { ...readApplicationName(name, 'target.name'), environment: environment || 'default' };
  const named = pod === '' ? {} : { pod };
  const [issued] = await office.issue({ principal, key, action }, (targets) => [chosen(targets, selection)], {
    order: { ...order, ...named },
    audit: { ...audit, ...named },
  });
  if (issued === undefined) throw new Error('a choice is always one');
  const relay = await relays.open(issued.ticket);
  await closing(authenticator, call, relay, () => use({ relay, target: issued.target }));
}

/** Ends the tunnel with the call or with its key. */
async function closing(
  authenticator: Authenticator,
  { principal, signal }: RpcCall<Principal>,
  relay: Relay,
  use: () => Promise<void>,
): Promise<void> {
  const key = authenticator.follow(principal);
  const over = AbortSignal.any([signal, key.signal]);
  const cut = () => relay.close();
  over.addEventListener('abort', cut, { once: true });
  if (over.aborted) cut();
  try {
    await use();
  } catch (error) {
    key.signal.throwIfAborted(); // that the key was revoked is the reason, and not what followed
    throw error;
  } finally {
    over.removeEventListener('abort', cut);
    key.end();
    relay.close();
  }
}
