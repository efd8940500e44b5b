import { type JsonObject, parseBytes, parseMcpu, type Resources } from '#domain';
import { at, listAt } from '../client/objects.js';

interface Demand {
  mcpu: number;
  memoryBytes: number;
}

const none: Demand = { mcpu: 0, memoryBytes: 0 };
const plus = (a: Demand, b: Demand): Demand => ({ mcpu: a.mcpu + b.mcpu, memoryBytes: a.memoryBytes + b.memoryBytes });
const most = (a: Demand, b: Demand): Demand => ({
  mcpu: Math.max(a.mcpu, b.mcpu),
  memoryBytes: Math.max(a.memoryBytes, b.memoryBytes),
});

/** Reads `cpu` of a resource list in thousandths of a core, rounded up; a JSON number counts as text. */
export const mcpuOf = (amounts: JsonObject, name = 'cpu'): number | undefined => {
  const found = amounts[name];
  return typeof found === 'string' || typeof found === 'number' ? parseMcpu(`${found}`) : undefined;
};

export const bytesOf = (amounts: JsonObject, name = 'memory'): number | undefined => {
  const found = amounts[name];
  return typeof found === 'string' || typeof found === 'number' ? parseBytes(`${found}`) : undefined;
};

/** A resource list as JSON, empty when it is not there. */
export function amountsAt(object: JsonObject, ...path: readonly string[]): JsonObject {
  const found = at(object, ...path);
  return typeof found === 'object' && found !== null && !Array.isArray(found) ? found : {};
}

/** Amounts of what Kubernetes counts without knowing it: names with a domain of their own (`nvidia.com/gpu`). */
export const extendedAmounts = (amounts: JsonObject): Record<string, number> =>
  Object.fromEntries(
    Object.keys(amounts)
      .filter((name) => name.includes('/'))
      .map((name) => [name, bytesOf(amounts, name) ?? 0]),
  );

/** Devices and the like that a pod holds; undefined for the many that hold none. */
export function extendedRequests(pod: JsonObject): Readonly<Record<string, number>> | undefined {
  const sum: Record<string, number> = {};
  for (const container of listAt(pod, 'spec', 'containers'))
    for (const [name, amount] of Object.entries(extendedAmounts(amountsAt(container, 'resources', 'requests'))))
      sum[name] = (sum[name] ?? 0) + amount;
  return Object.keys(sum).length === 0 ? undefined : sum;
}

const demandOf = (container: JsonObject): Demand => {
  const requests = amountsAt(container, 'resources', 'requests');
  return { mcpu: mcpuOf(requests) ?? 0, memoryBytes: bytesOf(requests) ?? 0 };
};

/**
 * What kube-scheduler reserves for a pod: its containers and restartable init containers together, or an init
 * container with those restartable ones before it if that is more; then the overhead. Requests of the pod as a whole
 * win. KEP-753 (sidecar containers), KEP-2837 (pod-level resources).
 */
export function podRequests(pod: JsonObject): Resources {
  let sidecars = none;
  let peak = none;
  for (const init of listAt(pod, 'spec', 'initContainers')) {
    const demand = plus(demandOf(init), sidecars);
    if (init.restartPolicy === 'Always') sidecars = demand;
    peak = most(peak, demand);
  }
  const steady = listAt(pod, 'spec', 'containers').map(demandOf).reduce(plus, sidecars);
  const inside = most(steady, peak);
  const whole = amountsAt(pod, 'spec', 'resources', 'requests');
  const overhead = amountsAt(pod, 'spec', 'overhead');
  return {
    mcpu: (mcpuOf(whole) ?? inside.mcpu) + (mcpuOf(overhead) ?? 0),
    memoryBytes: (bytesOf(whole) ?? inside.memoryBytes) + (bytesOf(overhead) ?? 0),
    pods: 1,
  };
}
