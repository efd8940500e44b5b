import { anywhere, noOverSubscription, noResources, seededChance } from '#domain';
import { applyDecision, bestEffort, type ClusterState, decide, type PlacementRequest, Snapshot } from '#placement';
import { Member, type Pod } from './member.js';

export interface DaySetting {
  clusters: number;
  coresEach: number;
  minutes: number;
  seed: number;
  /** Whether best-effort pods wait, as many as go in. */
  bestEffort: boolean;
}

export interface DayResult {
  /** Mean use of what is allocatable, after the first two hours, in per cent. */
  usedPercent: number;
  requestedPercent: number;
  admitted: number;
  evicted: number;
  /** Cluster-minutes in which pods wanted more than there is, in per cent. */
  overloadedPercent: number;
  /** Mean use by the hour, in per cent. */
  hours: readonly number[];
}

const memoryOf = (mcpu: number): number => mcpu * 4 * 2 ** 20;
const amount = (mcpu: number) => ({ mcpu, memoryBytes: memoryOf(mcpu) });
/** Minutes until the measure is taken to show what was admitted, and no more to show what left. */
const lag = { admitted: 5, evicted: 16 };
const settled = 120;

interface Site {
  id: string;
  member: Member;
  reserved: number;
  admitted: { at: number; pod: number }[];
  evictedAt: number[];
}

const request = (isBestEffort: boolean): PlacementRequest => ({
  tenant: 'acme',
  application: 'app',
  environment: 'production',
  groups: [
    {
      policy: anywhere,
      components: [
        {
          name: 'web',
          kind: 'service',
          replicas: 1,
          ...(isBestEffort
            ? { perReplica: { ...noResources, pods: 1 }, expected: amount(1000) }
            : { perReplica: { ...amount(1000), pods: 1 } }),
        },
      ],
    },
  ],
});

/** A day of a fleet that is requested to the full: the engine decides, members of their own live it. */
export function liveDay(setting: DaySetting): DayResult {
  const random = seededChance(setting.seed);
  const capacity = setting.coresEach * 1000;
  const sites = Array.from({ length: setting.clusters }, (_, at): Site => {
    const member = new Member(capacity, random, at / setting.clusters / 4);
    return { id: `cluster-${String(at).padStart(3, '0')}`, member, reserved: 0, admitted: [], evictedAt: [] };
  });
  const byId = new Map(sites.map((site) => [site.id, site]));
  const snapshot = new Snapshot();
  let version = 1n;
  let nextPod = 0;
  const show = (minute: number): void => {
    version += 1n;
    for (const site of sites) snapshot.upsert(stateOf(site, capacity, minute, version));
  };
  const place = (isBestEffort: boolean): Site | undefined => {
    const decision = decide(request(isBestEffort), snapshot);
    const site = byId.get(decision.allotments[0]?.cluster ?? '');
    if (site !== undefined) applyDecision(snapshot, decision);
    return site;
  };
  show(-1);
  for (let site = place(false); site !== undefined; site = place(false)) {
    const usual = 100 + random() * 200;
    site.reserved += 1000;
    const pod: Pod = { id: nextPod++, bestEffort: false, use: () => usual, endsAt: Number.POSITIVE_INFINITY };
    site.member.pods.set(pod.id, pod);
  }
  const counts = { admitted: 0, evicted: 0, overloaded: 0, used: 0, minutes: 0 };
  const hours: number[] = [];
  for (let minute = 0; minute < setting.minutes; minute++) {
    const uses = sites.map(({ member }) => member.live(minute));
    const used = uses.reduce((sum, use) => sum + Math.min(use, capacity), 0) / capacity / sites.length;
    hours[Math.floor(minute / 60)] = (hours[Math.floor(minute / 60)] ?? 0) + (used * 100) / 60;
    if (minute >= settled) {
      counts.used += used;
      counts.minutes += 1;
      counts.overloaded += uses.filter((use) => use > capacity).length;
    }
    if (!setting.bestEffort) continue;
    for (const site of sites) counts.evicted += evict(site, capacity, minute);
    show(minute);
    for (let site = place(true); site !== undefined; site = place(true)) {
      const usual = 500 + random() * 500;
      const endsAt = minute + 1 - Math.log(1 - random()) * 240;
      const pod: Pod = { id: nextPod++, bestEffort: true, use: () => usual, endsAt };
      site.member.pods.set(pod.id, pod);
      site.admitted.push({ at: minute, pod: pod.id });
      counts.admitted += 1;
    }
  }
  const reserved = sites.reduce((sum, site) => sum + site.reserved, 0);
  return {
    usedPercent: (counts.used * 100) / counts.minutes,
    requestedPercent: (reserved * 100) / capacity / sites.length,
    admitted: counts.admitted,
    evicted: counts.evicted,
    overloadedPercent: (counts.overloaded * 100) / counts.minutes / sites.length,
    hours,
  };
}

/** As the sweeper does: of equal priorities the newest first, until the measure is expected at the ceiling. */
function evict(site: Site, capacity: number, minute: number): number {
  site.evictedAt = site.evictedAt.filter((at) => at > minute - lag.evicted);
  const used = (site.member.measured() * bestEffort.safetyPermille) / 1000 - site.evictedAt.length * 1000;
  if (used <= (capacity * bestEffort.highWaterPermille) / 1000) return 0;
  const needed = Math.ceil((used - (capacity * bestEffort.ceilingPermille) / 1000) / 1000);
  const leaving = [...site.member.pods.values()].filter((pod) => pod.bestEffort).slice(-needed);
  for (const { id } of leaving) {
    site.member.pods.delete(id);
    site.evictedAt.push(minute);
  }
  return leaving.length;
}

function stateOf(site: Site, capacity: number, minute: number, version: bigint): ClusterState {
  site.admitted = site.admitted.filter(({ at, pod }) => at > minute - lag.admitted && site.member.pods.has(pod));
  return {
    id: site.id,
    ...{ region: 'eu', zone: '', provider: 'own', labels: {}, taints: [], cordoned: false, phase: 'ready' },
    ...{ serverVersion: '1.34.0', nodes: 1, classes: [], kinds: ['apps/v1/Deployment'], schemaId: '', version },
    allocatable: { ...amount(capacity), pods: 10_000 },
    foreignRequests: noResources,
    reserved: { ...amount(site.reserved), pods: site.member.pods.size },
    overSubscription: noOverSubscription,
    measured: amount(site.member.measured()),
    measureFresh: minute >= 0,
    unmeasured: amount(site.admitted.length * 1000),
  };
}
