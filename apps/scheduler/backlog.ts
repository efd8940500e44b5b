import { addResources, type Clock, type Instant, noResources, type Resources } from '#domain';
import { type Asking, type Decision, fairOrder, type Snapshot, type Standing } from '#placement';
import { placementStore } from '#store';

type Read = Parameters<typeof placementStore.readWaitingTenants>[0];

export interface BacklogParts {
  read: Read;
  /** Scatters this scheduler's reading. */
  name: string;
  clock: Clock;
}

/** What was read of use is added to for so long, and then read anew. */
const usageFreshMs = 1_000;

/** Of each of many tenants fewer are looked at, so that together they stay a bounded number. */
const heads = { most: 4_000, leastEach: 8 } as const;

/** Where room is not scarce it matters little who is first: several schedulers then take their shares of so many batches. */
const scatteredBatches = 20;

/** Of the whole fleet. */
interface FleetSums {
  allocatable: Resources;
  free: Resources;
}

/** What tenants' shares are shares of, and what is left to be shared. */
function sumsOf(snapshot: Snapshot): FleetSums {
  let [allocatable, free] = [noResources, noResources];
  const resources = (of: (resource: number) => number): Resources => ({ mcpu: of(0), memoryBytes: of(1), pods: of(2) });
  for (const slot of snapshot.slots) {
    allocatable = addResources(
      allocatable,
      resources((resource) => snapshot.allocatable(slot, resource)),
    );
    free = addResources(
      free,
      resources((resource) => Math.max(0, snapshot.free(slot, resource))),
    );
  }
  return { allocatable, free };
}

type Head = placementStore.WaitingHead & Asking;

/** How long what was set aside for later batches may be decided in the order in which it was found. */
const aheadFreshMs = 3_000;

/** Heads that this scheduler takes next, as long as nobody has come who would be served before them. */
interface Ahead {
  heads: Head[];
  readAt: Instant;
  /** By tenant the highest priority that waited. */
  priorities: ReadonlyMap<string, number>;
}

/**
 * What is decided next. While one tenant waits, the oldest of its highest priority; while several do, each gets its turn by
 * weighted dominant share.
 */
export class Backlog {
  #usage = new Map<string, Resources>();
  #readAt: Instant | undefined;
  #refused = false;
  #ahead: Ahead | undefined;

  constructor(private readonly parts: BacklogParts) {}

  /** In the order in which they are to be decided. */
  async next(limit: number, fleet: Snapshot): Promise<placementStore.WaitingRelease[]> {
    const { read, name } = this.parts;
    const tenants = await placementStore.readWaitingTenants(read);
    if (tenants.length === 0) return [];
    if (tenants.length === 1) return await placementStore.readWaiting(read, limit, name);
    const ahead = this.#takeAhead(tenants, limit);
    const asking = ahead.length === 0 ? [] : await placementStore.readAsking(read, ahead);
    // One that is missing was decided by another: the order is found anew.
    return asking.length === limit ? asking : await this.#read(tenants, limit, fleet);
  }

  async #read(
    tenants: readonly placementStore.WaitingTenant[],
    limit: number,
    fleet: Snapshot,
  ): Promise<placementStore.WaitingRelease[]> {
    const { read, clock } = this.parts;
    const usage = await this.#used();
    const standings = new Map(
      tenants.map(({ tenant, weight }): [string, Standing] => [
        tenant,
        { usage: usage.get(tenant) ?? noResources, weight },
      ]),
    );
    const each = Math.min(limit * scatteredBatches, Math.max(heads.leastEach, Math.floor(heads.most / tenants.length)));
    const waiting = await placementStore.readHeads(read, {
      tenants: tenants.map(({ tenant }) => tenant),
      each,
    });
    const { allocatable, free } = sumsOf(fleet);
    const { chosen, ahead } = this.#choose(fairOrder(waiting, standings, allocatable), limit, free);
    const priorities = new Map(tenants.map(({ tenant, priority }) => [tenant, priority]));
    this.#ahead = { heads: ahead, readAt: clock.now(), priorities };
    return await placementStore.readAsking(read, chosen);
  }

  /** Whole batches alone: of the last ones others have a part that they would help out with. */
  #takeAhead(tenants: readonly placementStore.WaitingTenant[], limit: number): Head[] {
    const ahead = this.#ahead;
    if (ahead === undefined || ahead.heads.length < limit) return [];
    const isOvertaken = tenants.some(
      ({ tenant, priority }) => priority > (ahead.priorities.get(tenant) ?? Number.NEGATIVE_INFINITY),
    );
    if (!isOvertaken && this.parts.clock.now() - ahead.readAt < aheadFreshMs) return ahead.heads.splice(0, limit);
    this.#ahead = undefined;
    return [];
  }

  /** What was placed counts at once; where something was refused room is scarce. */
  note(placed: readonly { release: placementStore.ReleaseRef; decision: Decision }[], refused: number): void {
    this.#refused = refused > 0;
    if (this.#refused) this.#ahead = undefined;
    for (const { release, decision } of placed)
      for (const { amount } of decision.additions)
        this.#usage.set(release.tenant, addResources(this.#usage.get(release.tenant) ?? noResources, amount));
  }

  async #used(): Promise<ReadonlyMap<string, Resources>> {
    const now = this.parts.clock.now();
    if (this.#readAt === undefined || now - this.#readAt >= usageFreshMs) {
      this.#usage = await placementStore.readUsage(this.parts.read);
      this.#readAt = now;
    }
    return this.#usage;
  }

  #choose(order: readonly Head[], limit: number, free: Resources): { chosen: Head[]; ahead: Head[] } {
    const window = order.slice(0, limit * scatteredBatches);
    const asked = window.reduce((sum, { demand }) => addResources(sum, demand), noResources);
    if (this.#refused || !isPlenty(free, asked)) return { chosen: order.slice(0, limit), ahead: [] };
    const own = window.filter(({ mine }) => mine);
    if (own.length === 0) return { chosen: window.slice(0, limit), ahead: [] };
    return { chosen: own.slice(0, limit), ahead: own.slice(limit) };
  }
}

/** More than twice as much is free as is asked for. */
const isPlenty = (free: Resources, asked: Resources): boolean =>
  free.mcpu > 2 * asked.mcpu && free.memoryBytes > 2 * asked.memoryBytes && free.pods > 2 * asked.pods;
