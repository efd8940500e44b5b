import { addResources, noResources, type Resources, type TenantId } from '#domain';

/** What one tenant holds, and how much of the fleet it is to have beside the others'. */
export interface Standing {
  usage: Resources;
  /** Above 0; twice the weight is twice the share. */
  weight: number;
}

/** Something that waits for a decision. */
export interface Asking {
  tenant: TenantId;
  priority: number;
  /** What it asks for in all. */
  demand: Resources;
}

/** The largest of a tenant's shares of the fleet's CPU, memory and pods; 0 of a fleet that has nothing. */
export function dominantShare(usage: Resources, fleet: Resources): number {
  const share = (resource: keyof Resources): number => (fleet[resource] > 0 ? usage[resource] / fleet[resource] : 0);
  return Math.max(share('mcpu'), share('memoryBytes'), share('pods'));
}

/** Of each tenant what it asks for: the highest priority first, then in the order in which it came. */
class Queues<T extends Asking> {
  readonly #waiting = new Map<TenantId, { next: number; asking: T[] }>();

  constructor(asking: readonly T[]) {
    for (const each of asking) {
      const known = this.#waiting.get(each.tenant);
      if (known === undefined) this.#waiting.set(each.tenant, { next: 0, asking: [each] });
      else known.asking.push(each);
    }
    for (const queue of this.#waiting.values()) queue.asking.sort((a, b) => b.priority - a.priority);
  }

  get tenants(): Iterable<TenantId> {
    return this.#waiting.keys();
  }

  take(tenant: TenantId): T | undefined {
    const queue = this.#waiting.get(tenant);
    const taken = queue?.asking[queue.next];
    if (queue === undefined || taken === undefined) return undefined;
    queue.next += 1;
    if (queue.next === queue.asking.length) this.#waiting.delete(tenant);
    return taken;
  }
}

/**
 * The order in which a backlog is served: the tenant with the smallest dominant share by its weight, counting what was
 * served before it as held (progressive filling, by "Dominant Resource Fairness", NSDI 2011), and of it what it says is the
 * most important. A tenant declares its own priorities, so that they are worth nothing against another's share. A
 * tenant of no standing holds nothing and weighs 1.
 */
export function fairOrder<T extends Asking>(
  asking: readonly T[],
  standings: ReadonlyMap<TenantId, Standing>,
  fleet: Resources,
): T[] {
  const queues = new Queues(asking);
  const held = new Map<TenantId, { usage: Resources; weight: number; share: number }>();
  for (const { tenant } of asking) {
    const { usage, weight } = standings.get(tenant) ?? { usage: noResources, weight: 1 };
    held.set(tenant, { usage, weight, share: dominantShare(usage, fleet) / weight });
  }
  const order: T[] = [];
  for (let next = poorest(queues, held); next !== undefined; next = poorest(queues, held)) {
    const taken = queues.take(next);
    const standing = held.get(next);
    if (taken === undefined || standing === undefined) break;
    standing.usage = addResources(standing.usage, taken.demand);
    standing.share = dominantShare(standing.usage, fleet) / standing.weight;
    order.push(taken);
  }
  return order;
}

/** By id where shares are equal, so that the order depends on nothing else. */
function poorest<T extends Asking>(
  queues: Queues<T>,
  held: ReadonlyMap<TenantId, { share: number }>,
): TenantId | undefined {
  let found: TenantId | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const tenant of queues.tenants) {
    const share = held.get(tenant)?.share ?? 0;
    if (share < least || (share === least && found !== undefined && tenant < found)) [found, least] = [tenant, share];
  }
  return found;
}
