import { megabytes, pssOf } from '../processes.js';
import type { Footprints } from '../propagate/footprint.js';
import type { Fleet } from './fleet.js';
import type { HubProcess } from './hub.js';

/** What is measured with so many agents connected. */
export interface Stage {
  agents: number;
  works: number;
  /** From the first of the new agents' connecting until the last is in step. */
  joinSeconds: number;
  /** Of the hub, after full collections. */
  hubPssMb: number;
  hubHeapMb: number;
  idle: Traffic;
  busy: Traffic;
  lagsMs: readonly number[];
}

/** Of one agent for a minute, and what the hub spent on all of them. */
export interface Traffic {
  bytesPerMinute: number;
  hubCpuPercent: number;
}

export interface StageSite {
  hub: HubProcess;
  fleet: Fleet;
  footprints(): Promise<Footprints>;
  idleSeconds: number;
}

const pause = (seconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

export async function hubMemory(hub: HubProcess): Promise<{ pssMb: number; heapMb: number }> {
  const { heapBytes } = await hub.probe.ask('memory', {});
  return { pssMb: megabytes(await pssOf(hub.pid)), heapMb: megabytes(heapBytes) };
}

/** What goes over the agents' connections, and the hub's CPU, while something is done. */
export async function trafficDuring({ fleet, footprints }: StageSite, work: () => Promise<void>): Promise<Traffic> {
  const before = await fleet.counts();
  const cpuBefore = (await footprints()).hub?.cpuSeconds ?? 0;
  const from = performance.now();
  await work();
  const minutes = (performance.now() - from) / 60_000;
  const after = await fleet.counts();
  const cpu = ((await footprints()).hub?.cpuSeconds ?? 0) - cpuBefore;
  return {
    bytesPerMinute: (after.wireBytes - before.wireBytes) / after.agents / minutes,
    hubCpuPercent: (cpu / (minutes * 60)) * 100,
  };
}

/** Idle first: heartbeats alone. Then one work in a hundred changes each second, each heartbeat with its inventory. */
export async function measureStage(
  site: StageSite,
  of: { agents: number; works: number; joinSeconds: number; steadySeconds: number; changesPerAgent: number },
): Promise<Stage> {
  const { hub, fleet, idleSeconds } = site;
  const { agents, works, joinSeconds, steadySeconds: seconds, changesPerAgent } = of;
  await pause(3); // the last of the joining is over
  const idle = await trafficDuring(site, () => pause(idleSeconds));
  const { pssMb, heapMb } = await hubMemory(hub);
  await fleet.changeInventory(true);
  const lagsMs: number[] = [];
  const busy = await trafficDuring(site, async () => {
    for (const lag of await fleet.steady({ seconds, changesPerAgent })) lagsMs.push(lag);
  });
  await fleet.changeInventory(false);
  return { agents, works, joinSeconds, hubPssMb: pssMb, hubHeapMb: heapMb, idle, busy, lagsMs };
}
