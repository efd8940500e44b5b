import { admit, type ClusterFilter, refuse } from '../plugin.js';
import type { GroupRequest } from '../request.js';

const claims = ({ components }: GroupRequest): readonly (readonly [string, readonly string[]])[] =>
  components.flatMap(({ name, storage }) => (storage && storage.classes.length > 0 ? [[name, storage.classes]] : []));

/** Volumes can be made of the classes that their claims name, or of a default class. */
export const storageClasses: ClusterFilter = {
  name: 'StorageClasses',
  wakeOn: ['cluster.storage'],
  applies: (group) => claims(group).length > 0,
  remember: (group) => JSON.stringify(claims(group)),
  admits: ({ group, cluster: { storageClasses: found } }) => {
    if (found === undefined) return admit;
    const isThere = (wanted: string): boolean =>
      found.some(({ name, isDefault }) => (wanted === '' ? isDefault : name === wanted));
    for (const [component, classes] of claims(group)) {
      const missing = classes.find((wanted) => !isThere(wanted));
      if (missing === undefined) continue;
      const named = { component, found: found.map(({ name }) => name).join(', ') || 'none' };
      return missing === ''
        ? refuse('NoDefaultStorageClass', named)
        : refuse('NoStorageClass', { ...named, storageClass: missing });
    }
    return admit;
  },
};

/**
 * What has volumes that outlive its pods stays where they are: another cluster would begin with empty ones. More replicas,
 * too, go only there, unless the policy leaves the data.
 */
export const volumeData: ClusterFilter = {
  name: 'VolumeData',
  // Besides what keeps it from where its data is: that cluster may have been lost, and come back.
  wakeOn: ['cluster.registered'],
  applies: ({ components, policy }) =>
    policy.leaveData !== true && components.some(({ storage }) => storage?.keepsData === true),
  admits: ({ group, demands, cluster }) => {
    for (const { name, held } of demands) {
      const component = group.components.find((each) => each.name === name);
      if (component?.storage?.keepsData !== true || held.size === 0 || held.has(cluster.id)) continue;
      return refuse('DataElsewhere', { component: name, clusters: [...held.keys()].sort().join(', ') });
    }
    return admit;
  },
};
