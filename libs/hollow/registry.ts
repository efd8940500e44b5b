import { apiVersionOf, type ResourceKind, resources } from './resources.js';

const builtInByPath = new Map(resources.map((resource) => [`${apiVersionOf(resource)}/${resource.plural}`, resource]));
const builtInByKind = new Map(resources.map((resource) => [`${apiVersionOf(resource)}/${resource.kind}`, resource]));

/** What one cluster serves. Kubernetes' own kinds are one table that all clusters of a process share. */
export class ResourceRegistry {
  get all(): readonly ResourceKind[] {
    return resources;
  }

  at(apiVersion: string, plural: string): ResourceKind | undefined {
    return builtInByPath.get(`${apiVersion}/${plural}`);
  }

  ofKind(apiVersion: string, kind: string): ResourceKind | undefined {
    return builtInByKind.get(`${apiVersion}/${kind}`);
  }
}
