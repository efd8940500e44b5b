import { type Fields, fieldsAt, isFields, type KubeObject } from './objects.js';
import type { ResourceKind } from './resources.js';
import type { StructRef } from './schema/schema.js';
import { typeOfKind } from './schema/structural.js';

interface Served {
  readonly version: string;
  readonly names: Fields;
  readonly subresources: readonly string[];
  readonly schema: Fields;
  readonly type: StructRef;
}

export const versionsOf = (definition: KubeObject): Fields[] => {
  const { versions } = fieldsAt(definition, 'spec');
  return Array.isArray(versions) ? versions.filter(isFields) : [];
};

/** One version is served of each kind: the one that is stored. Undefined when that one is not served. */
function servedOf(definition: KubeObject): Served | undefined {
  const stored = versionsOf(definition).find(({ storage, served }) => storage === true && served === true);
  if (stored === undefined) return undefined;
  const schema = fieldsAt(stored, 'schema', 'openAPIV3Schema');
  return {
    version: String(stored.name),
    names: fieldsAt(definition, 'spec', 'names'),
    subresources: isFields(fieldsAt(stored, 'subresources').status) ? ['status'] : [],
    schema,
    type: typeOfKind(schema),
  };
}

/** A kind that a CustomResourceDefinition defines. It stays the same one, and keeps its objects, as its definition changes. */
export class CustomKind implements ResourceKind {
  readonly builtIn = '';
  readonly group: string;
  readonly namespaced: boolean;
  private constructor(
    readonly definitionName: string,
    definition: KubeObject,
    private served: Served,
  ) {
    const { group, scope } = fieldsAt(definition, 'spec');
    this.group = String(group);
    this.namespaced = scope === 'Namespaced';
  }

  static of(definition: KubeObject): CustomKind | undefined {
    const served = servedOf(definition);
    return served === undefined ? undefined : new CustomKind(definition.metadata.name, definition, served);
  }

  /** Goes by a changed definition. False when it serves the kind no longer. */
  redefine(definition: KubeObject): boolean {
    const served = servedOf(definition);
    if (served !== undefined) this.served = served;
    return served !== undefined;
  }

  get version(): string {
    return this.served.version;
  }

  get kind(): string {
    return String(this.served.names.kind);
  }

  get plural(): string {
    return String(this.served.names.plural);
  }

  get singular(): string {
    return String(this.served.names.singular);
  }

  get shortNames(): readonly string[] {
    const { shortNames } = this.served.names;
    return Array.isArray(shortNames) ? shortNames.map(String) : [];
  }

  get subresources(): readonly string[] {
    return this.served.subresources;
  }

  get schema(): Fields {
    return this.served.schema;
  }

  get type(): StructRef {
    return this.served.type;
  }
}
