import { InvalidRequest, NotFound, PreconditionFailed } from '#domain';
import type { OwnedWatch, PodAccess, PodFacts, PodView } from '#kube';

/** So many pods are named in a refusal. */
const mostNamed = 10;

/** Where to look for pods of works. */
export interface PodWorld {
  watch: Pick<OwnedWatch, 'podsOf'>;
  access: PodAccess;
}

const listed = (names: readonly string[]): string =>
  names.length === 0
    ? 'there are none'
    : `there is ${names.slice(0, mostNamed).join(', ')}${names.length > mostNamed ? ' …' : ''}`;

const byName = (one: PodView, other: PodView): number => (one.name < other.name ? -1 : 1);

/** Living pods of a work, in order of name. */
export const podsOf = ({ watch }: Pick<PodWorld, 'watch'>, workId: string): PodView[] =>
  watch
    .podsOf(workId)
    .filter((pod) => !pod.deleting)
    .sort(byName);

/** A pod that the caller may not reach through this tunnel is as absent as one that is not there. */
function absent(name: string, pods: readonly PodView[]): NotFound {
  const found = new NotFound({ kind: 'pod', name });
  return Object.assign(found, { message: `${found.message}; ${listed(pods.map((pod) => pod.name))}` });
}

/** The pod of that name, or a ready one. @throws NotFound, PreconditionFailed saying what is there. */
export async function chosenPod(
  world: PodWorld,
  { workId, pod: name }: { workId: string; pod: string },
  signal: AbortSignal,
): Promise<PodFacts> {
  const pods = podsOf(world, workId);
  const chosen = name === '' ? pods.find((pod) => pod.state === 'ready') : pods.find((pod) => pod.name === name);
  if (chosen === undefined) {
    if (name !== '') throw absent(name, pods);
    const states = pods.map((pod) => `${pod.name} (${pod.state})`);
    throw new PreconditionFailed('NO_READY_POD', `no pod of the component is ready; ${listed(states)}`);
  }
  return await factsOf(world, chosen, workId, signal);
}

/** As the cluster has it now, checked to be the work's: what was watched may be a moment old. */
export async function factsOf(
  world: PodWorld,
  { namespace, name }: PodView,
  workId: string,
  signal: AbortSignal,
): Promise<PodFacts> {
  const facts = await world.access.pod({ namespace, name }, { signal });
  if (facts.workId !== workId) throw absent(name, podsOf(world, workId));
  return facts;
}

/** @throws InvalidRequest listing the containers when none is named and there are several; NotFound for another name. */
export function chosenContainer(facts: PodFacts, name: string): string {
  const { containers, initContainers } = facts;
  if (name !== '') {
    if ([...containers, ...initContainers].includes(name)) return name;
    throw noContainer(facts, name);
  }
  const [only, ...others] = containers;
  if (only === undefined || others.length > 0)
    throw new InvalidRequest([
      { field: 'container', description: `pod ${facts.name} has ${containers.join(', ')}; name one` },
    ]);
  return only;
}

export function noContainer({ name: pod, containers, initContainers }: PodFacts, name: string): NotFound {
  const found = new NotFound({ kind: 'container', name });
  const there = listed([...containers, ...initContainers]);
  return Object.assign(found, { message: `${found.message} in pod ${pod}; ${there}` });
}
