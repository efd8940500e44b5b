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

/** @throws 400 when it has not started. */
function runOf(pod: Pod, container: string): { startedAt: string; finishedAt?: unknown } {
  const statuses = (pod.status?.containerStatuses ?? []) as readonly ContainerStatus[];
  const state = fieldsAt(
    statuses.find(({ name }) => name === container),
    'state',
  );
  const terminated = fieldsAt(state, 'terminated');
  const startedAt = fieldsAt(state, 'running').startedAt ?? terminated.startedAt;
  const reason = fieldsAt(state, 'waiting').reason ?? 'ContainerCreating';
  if (typeof startedAt !== 'string')
    throw badRequest(`container "${container}" in pod "${pod.metadata.name}" is waiting to start: ${String(reason)}`);
  return { startedAt, finishedAt: terminated.finishedAt };
}

/** Epoch milliseconds since when it runs. @throws 400 when it has not started. */
export const startedAt = (pod: Pod, container: string): number => Date.parse(runOf(pod, container).startedAt);

/** Epoch milliseconds; infinity while it runs. @throws 400 when it has not started. */
export function finishedAt(pod: Pod, container: string): number {
  const { finishedAt: time } = runOf(pod, container);
  return typeof time === 'string' ? Date.parse(time) : Number.POSITIVE_INFINITY;
}

export const isOver = (pod: Pod | undefined): boolean =>
  pod === undefined || pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
