import {
  addResources,
  type Component,
  type Container,
  isJsonObject,
  type JsonObject,
  noResources,
  parseBytes,
  parseMcpu,
  type Resources,
} from '#domain';
import { objectAt } from './json.js';

const onePod: Resources = { ...noResources, pods: 1 };

const greatest = (a: Resources, b: Resources): Resources => ({
  mcpu: Math.max(a.mcpu, b.mcpu),
  memoryBytes: Math.max(a.memoryBytes, b.memoryBytes),
  pods: Math.max(a.pods, b.pods),
});

/** What isn't requested is what is limited, as the API server fills it in. */
const requestsOf = ({ requests, limits }: Container): Resources => ({
  mcpu: requests.mcpu ?? limits.mcpu ?? 0,
  memoryBytes: requests.memoryBytes ?? limits.memoryBytes ?? 0,
  pods: 0,
});

const isSidecar = (container: Container): boolean => container.extra.restartPolicy === 'Always';

function amount(from: JsonObject | undefined, key: string, parse: (text: string) => number): number | undefined {
  const value = from?.[key];
  return typeof value === 'string' || typeof value === 'number' ? parse(String(value)) : undefined;
}

/**
 * What one replica asks of a node, by Kubernetes' rule: all containers and sidecars together, or an init container
 * with the sidecars started before it if that is more (KEP-753); requests of the pod as a whole take their place
 * (KEP-2837); the runtime's overhead comes on top.
 *
 * @throws InvalidQuantity only for a spec that was never checked by `checkSpec`.
 */
export function podRequests(component: Component): Resources {
  let sidecars = noResources;
  let starting = noResources;
  for (const each of component.initContainers) {
    if (isSidecar(each)) sidecars = addResources(sidecars, requestsOf(each));
    const now = isSidecar(each) ? sidecars : addResources(sidecars, requestsOf(each));
    starting = greatest(starting, now);
  }
  const running = component.containers.reduce((sum, each) => addResources(sum, requestsOf(each)), sidecars);
  const asked = greatest(starting, running);
  const { podSpec } = component.workloadExtra;
  const whole = objectAt(objectAt(podSpec, 'resources'), 'requests');
  const overhead = isJsonObject(podSpec.overhead) ? podSpec.overhead : undefined;
  return addResources(onePod, {
    mcpu: (amount(whole, 'cpu', parseMcpu) ?? asked.mcpu) + (amount(overhead, 'cpu', parseMcpu) ?? 0),
    memoryBytes:
      (amount(whole, 'memory', parseBytes) ?? asked.memoryBytes) + (amount(overhead, 'memory', parseBytes) ?? 0),
    pods: 0,
  });
}
