import { fieldsAt, type Pod } from '../objects.js';
import { badRequest } from '../status.js';

type ContainerStatus = Record<string, unknown>;

const namesOf = (pod: Pod): string[] => pod.spec.containers.map(({ name }) => name);

/** The container that a request means. @throws 400 in the words of the real server. */
export function containerOf(pod: Pod, asked: string): string {
  const { name } = pod.metadata;
  const names = namesOf(pod);
  if (asked !== '' && !names.includes(asked)) throw badRequest(`container ${asked} is not valid for pod ${name}`);
  const [only = '', ...others] = names;
  if (asked === '' && others.length > 0)
    throw badRequest(`a container name must be specified for pod ${name}, choose one of: [${names.join(' ')}]`);
  return asked || only;
}

/** Epoch milliseconds since when it runs. @throws 400 when it has not started. */
export function startedAt(pod: Pod, container: string): number {
  const statuses = (pod.status?.containerStatuses ?? []) as readonly ContainerStatus[];
  const state = fieldsAt(
    statuses.find(({ name }) => name === container),
    'state',
  );
  const since = fieldsAt(state, 'running').startedAt ?? fieldsAt(state, 'terminated').startedAt;
  const reason = fieldsAt(state, 'waiting').reason ?? 'ContainerCreating';
  if (typeof since !== 'string')
    throw badRequest(`container "${container}" in pod "${pod.metadata.name}" is waiting to start: ${String(reason)}`);
  return Date.parse(since);
}

export const isOver = (pod: Pod | undefined): boolean =>
  pod === undefined || pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
