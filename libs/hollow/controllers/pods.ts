import { conditionIs, type KubeObject, type Pod, type PodTemplate } from '../objects.js';
import { ownerReference } from './context.js';

export const isEnded = (pod: Pod): boolean => pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
export const isActive = (pod: Pod): boolean => pod.metadata.deletionTimestamp === undefined && !isEnded(pod);
export const isReady = (pod: Pod): boolean =>
  pod.metadata.deletionTimestamp === undefined && conditionIs(pod.status?.conditions, 'Ready');

/** When a ready pod counts as available, epoch ms; undefined while it is not ready. */
export function availableAtMs(pod: Pod, minReadySeconds: number): number | undefined {
  if (!isReady(pod)) return undefined;
  const since = pod.status?.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime;
  return minReadySeconds === 0 || since === undefined ? 0 : Date.parse(since) + minReadySeconds * 1000;
}

export interface PodIdentity {
  name?: string;
  labels?: Record<string, string>;
  spec?: Partial<Pod['spec']> & Record<string, unknown>;
}

/** A pod from its controller's template. */
export function podFrom(owner: KubeObject, template: PodTemplate, identity: PodIdentity = {}) {
  const { labels, annotations } = template.metadata ?? {};
  const allLabels = { ...labels, ...identity.labels };
  return {
    metadata: {
      ...(identity.name === undefined ? { generateName: `${owner.metadata.name}-` } : { name: identity.name }),
      ...(Object.keys(allLabels).length === 0 ? {} : { labels: allLabels }),
      ...(annotations === undefined ? {} : { annotations }),
      ownerReferences: [ownerReference(owner)],
    },
    spec: { ...template.spec, ...identity.spec },
  };
}

/** FNV-1a of the template's JSON, in the alphabet of generated names. */
export function templateHash(template: unknown): string {
  let hash = 2166136261;
  for (const char of JSON.stringify(template)) hash = Math.imul(hash ^ char.charCodeAt(0), 16777619) >>> 0;
  const alphabet = 'bcdfghjklmnpqrstvwxz2456789';
  let text = '';
  for (let left = hash; text.length < 9; left = Math.floor(left / alphabet.length) || hash + text.length)
    text += alphabet[left % alphabet.length];
  return text;
}

/** The order in which surplus pods go: not running first, then not ready, then the youngest. */
export function bySurplus(a: Pod, b: Pod): number {
  const rank = (pod: Pod) => (pod.spec.nodeName === undefined ? 0 : isReady(pod) ? 2 : 1);
  return rank(a) - rank(b) || b.metadata.creationTimestamp.localeCompare(a.metadata.creationTimestamp);
}
