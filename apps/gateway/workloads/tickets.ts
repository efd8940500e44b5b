import { createHash } from 'node:crypto';
import { create, type MessageInitShape, toJson } from '@bufbuild/protobuf';
import { applicationName, environmentName, line } from '#contract';
import { type Ids, isJsonObject, type JsonObject, NotFound, PreconditionFailed, type Principal } from '#domain';
import {
  type ApplicationKey,
  insertTickets,
  readTunnelTargets,
  type Store,
  type Transaction,
  type TunnelTarget,
} from '#store';
import { actorOf, storePrincipalOf, tenantOf } from '../principal.js';
import type { Ticket } from './relays.js';

type OrderInit = Omit<MessageInitShape<typeof line.TunnelOrderSchema>, 'workId' | '$typeName'>;

/** Who asks for which application, for what. */
export interface TunnelRequest {
  principal: Principal;
  key: ApplicationKey & { environment: string };
  /** The permission, which the audit names too. */
  action: string;
}

export interface Issued {
  target: TunnelTarget;
  ticket: Ticket;
}

/** Makes tickets for tunnels into an application's pods, and audits what they are for. */
export class TicketOffice {
  constructor(
    private readonly store: Store,
    private readonly ids: Ids,
  ) {}

  /**
   * Tickets for the targets that are chosen, and the audit entry, in one transaction: before anything is opened.
   *
   * @throws NotFound for an application that is not there for this caller, PreconditionFailed when nothing of it is
   * placed in the environment, and whatever `choose` throws.
   */
  async issue(
    request: TunnelRequest,
    choose: (targets: readonly TunnelTarget[]) => readonly TunnelTarget[],
    { order, audit }: { order: OrderInit; audit: JsonObject | undefined },
  ): Promise<Issued[]> {
    const { principal, key, action } = request;
    return await this.store.unitOfWork.run(storePrincipalOf(principal), async (tx) => {
      const targets = choose(await placedTargets(tx, request));
      const made = targets.map((target) => this.#ticketFor(target, order));
      await insertTickets(
        tx,
        { tenant: tenantOf(principal, action), actor: actorOf(principal) },
        made.map(({ row }) => row),
      );
      if (audit !== undefined)
        await tx.audit.append({
          tenant: key.tenant,
          actor: actorOf(principal),
          action,
          target: applicationName(key.tenant, key.project, key.application),
          before: null,
          after: {
            environment: key.environment,
            into: targets.map(({ component, cluster }) => `${component} in ${cluster}`),
            ...audit,
          },
        });
      return made.map(({ target, ticket }) => ({ target, ticket }));
    });
  }

  /** What there is to be reached now; empty when the application is gone. */
  async targets({ principal, key }: TunnelRequest): Promise<TunnelTarget[]> {
    return await this.store.unitOfWork.run(
      storePrincipalOf(principal),
      async (tx) => (await readTunnelTargets(tx, key)) ?? [],
    );
  }

  #ticketFor(target: TunnelTarget, order: OrderInit) {
    const { workId, cluster, hubAddress } = target;
    const id = this.ids.uuid();
    const secret = Buffer.from(this.ids.secret(32)).toString('base64url');
    const json = toJson(line.TunnelOrderSchema, create(line.TunnelOrderSchema, { ...order, workId }));
    if (!isJsonObject(json)) throw new Error('an order is an object');
    return {
      target,
      row: { id, secretHash: createHash('sha256').update(secret).digest(), cluster, order: json },
      ticket: { text: `tunnel_${id}_${secret}`, cluster, hubAddress },
    };
  }
}

async function placedTargets(tx: Transaction, { key }: TunnelRequest): Promise<TunnelTarget[]> {
  const { tenant, project, application, environment } = key;
  const name = applicationName(tenant, project, application);
  const targets = await readTunnelTargets(tx, key);
  if (targets === undefined) throw new NotFound({ kind: 'application', name });
  const where = environmentName(tenant, project, environment);
  if (targets.length === 0)
    throw new PreconditionFailed('NOT_PLACED', `nothing of "${name}" is placed in "${where}"`, { name });
  return targets;
}
