import { CustomKind } from './custom-kind.js';
import type { KubeObject } from './objects.js';
import { apiVersionOf, type ResourceKind, resources } from './resources.js';

const builtInByPath = new Map(resources.map((resource) => [`${apiVersionOf(resource)}/${resource.plural}`, resource]));
const builtInByKind = new Map(resources.map((resource) => [`${apiVersionOf(resource)}/${resource.kind}`, resource]));

/** What one cluster serves. Kubernetes' own kinds are one table that all clusters of a process share. */
export class ResourceRegistry {
  private readonly customKinds = new Map<string, CustomKind>();
  private readonly listeners = new Set<(kind: CustomKind) => void>();
  private served: readonly ResourceKind[] = resources;
  private changes = 0;

  get all(): readonly ResourceKind[] {
    return this.served;
  }

  get custom(): readonly CustomKind[] {
    return [...this.customKinds.values()];
  }

  /** Another text whenever another set of kinds, or another schema, is served. */
  get edition(): string {
    return String(this.changes);
  }

  at(apiVersion: string, plural: string): ResourceKind | undefined {
    const isIt = (kind: ResourceKind) => kind.plural === plural && apiVersionOf(kind) === apiVersion;
    return builtInByPath.get(`${apiVersion}/${plural}`) ?? this.custom.find(isIt);
  }

  ofKind(apiVersion: string, kind: string): ResourceKind | undefined {
    const isIt = (other: ResourceKind) => other.kind === kind && apiVersionOf(other) === apiVersion;
    return builtInByKind.get(`${apiVersion}/${kind}`) ?? this.custom.find(isIt);
  }

  /** What the CustomResourceDefinition of this name defines, if it is served. */
  definedBy(name: string): CustomKind | undefined {
    return this.customKinds.get(name);
  }

  /** Serves what a definition defines; undefined when it says not to. */
  define(definition: KubeObject): CustomKind | undefined {
    const { name } = definition.metadata;
    const known = this.customKinds.get(name);
    this.changes += 1;
    if (known !== undefined) return known.redefine(definition) ? known : undefined;
    const kind = CustomKind.of(definition);
    if (kind === undefined) return undefined;
    this.customKinds.set(name, kind);
    this.served = [...resources, ...this.customKinds.values()];
    return kind;
  }

  /** Serves the kind no longer. Its objects are to be gone by then. */
  withdraw(name: string): void {
    const kind = this.customKinds.get(name);
    if (kind === undefined) return;
    this.customKinds.delete(name);
    this.changes += 1;
    this.served = this.customKinds.size === 0 ? resources : [...resources, ...this.customKinds.values()];
    for (const listener of this.listeners) listener(kind);
  }

  /** Calls back when a custom kind is served no longer. */
  onWithdrawn(listener: (kind: CustomKind) => void): void {
    this.listeners.add(listener);
  }
}
