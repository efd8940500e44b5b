import {
  type ApplicationSpec,
  type Component,
  type Container,
  type FieldViolation,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  NotBuilt,
} from '#domain';

const notThere = 'Secrets are not there yet: they are refused so that none ever enters a revision';

/** Fields that hold or name a Secret, wherever they stand. */
const secretFields: ReadonlySet<string> = new Set([
  'imagePullSecrets',
  'nodeExpandSecretRef',
  'nodePublishSecretRef',
  'nodeStageSecretRef',
  'secretKeyRef',
  'secretName',
  'secretRef',
  'stringData',
]);

/** Maps whose keys are people's own words. */
const freeMaps: ReadonlySet<string> = new Set([
  'annotations',
  'binaryData',
  'data',
  'labels',
  'matchLabels',
  'nodeSelector',
]);

const isThere = (value: JsonValue): boolean => value !== null && !(Array.isArray(value) && value.length === 0);

function search(value: JsonValue, path: string, within: string, found: FieldViolation[]): void {
  if (Array.isArray(value)) {
    value.forEach((each, index) => {
      search(each, `${path}[${index}]`, within, found);
    });
    return;
  }
  if (!isJsonObject(value)) return;
  for (const [key, each] of Object.entries(value)) {
    if (freeMaps.has(key)) continue;
    const volumeOfSecret = key === 'secret' && (within === 'volumes' || within === 'sources') && isJsonObject(each);
    if (isThere(each) && (secretFields.has(key) || volumeOfSecret))
      found.push({ field: `${path}.${key}`, description: notThere });
    else search(each, `${path}.${key}`, key, found);
  }
}

/** Every place in one manifest that is a Secret, holds one or names one; `path` is where the manifest stands. */
function secretsIn(object: JsonObject, path: string): FieldViolation[] {
  const kind = object.kind;
  const name = isJsonObject(object.metadata) ? object.metadata.name : undefined;
  if (kind === 'Secret' || kind === 'SecretList' || object.stringData !== undefined)
    return [{ field: path, description: `found ${String(kind)} "${String(name ?? '')}". ${notThere}` }];
  const found: FieldViolation[] = [];
  search(object, path, '', found);
  if (kind === 'ServiceAccount' && isThere(object.secrets ?? null))
    found.push({ field: `${path}.secrets`, description: notThere });
  return found;
}

/** Both lists of containers, under their names in the public API. */
export const containerLists = ({ containers, initContainers }: Component): [string, Container[]][] => [
  ['containers', containers],
  ['init_containers', initContainers],
];

/** The parts of a component that are carried verbatim, each with its path in the public API. */
function verbatimParts(component: Component, path: string): [string, JsonObject][] {
  const containers = containerLists(component).flatMap(([list, each]) =>
    each.map(({ extra }, index): [string, JsonObject] => [`${path}.${list}[${index}].extra`, extra]),
  );
  const { metadata, spec, podMetadata, podSpec } = component.workloadExtra;
  const kubernetes = `${path}.kubernetes`;
  return [
    ...containers,
    [`${kubernetes}.metadata`, metadata],
    [`${kubernetes}.spec`, spec],
    [`${kubernetes}.pod_metadata`, podMetadata],
    [`${kubernetes}.pod_spec`, podSpec],
    ...component.objects.map((each, index): [string, JsonObject] => [`${kubernetes}.objects[${index}]`, each]),
  ];
}

/** @throws NotBuilt naming each field through which a Secret would enter. */
export function refuseSecrets(spec: ApplicationSpec): void {
  const found = spec.components.flatMap((component, index) =>
    verbatimParts(component, `spec.components[${index}]`).flatMap(([path, part]) => secretsIn(part, path)),
  );
  if (found.length > 0) throw new NotBuilt(found);
}

/** @throws NotBuilt naming each manifest and field through which a Secret would enter. */
export function refuseSecretsIn(objects: readonly JsonObject[]): void {
  const found = objects.flatMap((object, index) => secretsIn(object, `manifests[${index}]`));
  if (found.length > 0) throw new NotBuilt(found);
}
