import { createHash } from 'node:crypto';
import { applicationSpecFromWire, type wire } from '#contract';
import {
  type ApplicationSpec,
  addResources,
  canonicalJson,
  type FieldViolation,
  InvalidRequest,
  isJsonObject,
  type JsonValue,
  limits,
  NotBuilt,
  noResources,
  type PlacementPolicy,
  type Resources,
  selectorKeys,
  timesResources,
} from '#domain';
import {
  asRun,
  checkSpec,
  importManifests,
  objectRefsOf,
  parseManifests,
  podNodeSelector,
  podRequests,
  statusRuleViolations,
} from '#kube';

/** What was handed in, read and checked, with all that follows from it alone. */
export interface Intake {
  spec: ApplicationSpec;
  /** SHA-256 of the content in canonical form. */
  digest: string;
  /** The declared upper bound: replicas × what one pod requests. */
  charge: Resources;
  /** Of nodes, that its pods require. */
  nodeLabelKeys: readonly string[];
  /** Object names that it needs for itself in its environment. */
  objects: readonly { kind: string; name: string }[];
  /** Where it names clusters, each with its place in the request. */
  clusters: readonly { cluster: string; field: string }[];
}

/** The model's fields as they are called on the wire, in paths that libs/kube reports. */
const onTheWire = [
  [/\.initContainers\[/g, '.init_containers['],
  [/\.servicePorts\[/g, '.service_ports['],
  [/\.workloadExtra\.podMetadata/g, '.kubernetes.pod_metadata'],
  [/\.workloadExtra\.podSpec/g, '.kubernetes.pod_spec'],
  [/\.workloadExtra\./g, '.kubernetes.'],
  [/^(spec\.components\[\d+\])\.objects\[/g, '$1.kubernetes.objects['],
] as const;

const wireViolation = ({ field, description }: FieldViolation): FieldViolation => ({
  field: onTheWire.reduce((path, [model, name]) => path.replace(model, name), field),
  description,
});

function checked(spec: ApplicationSpec): ApplicationSpec {
  try {
    checkSpec(spec);
  } catch (error) {
    if (error instanceof InvalidRequest) throw new InvalidRequest(error.fieldViolations.map(wireViolation));
    if (error instanceof NotBuilt) throw new NotBuilt(error.fieldViolations.map(wireViolation));
    throw error;
  }
  return spec;
}

const mostRules = 20;
const longestExpression = 1024;

/** What is too long is refused for that, and must not be parsed. */
const short = (text: string): string => (text.length <= longestExpression ? text : 'true');

/** What is wrong with the status rules of a spec that its schema refuses: to be said in the same answer. */
function ruleViolations({ components }: wire.ApplicationSpec): FieldViolation[] {
  return components.slice(0, limits.components).flatMap(({ objectPolicy }, index) => {
    const rules = (objectPolicy?.statusRules ?? [])
      .slice(0, mostRules)
      .map(({ apiVersion, kind, ready, failed, message }) => ({
        ...{ apiVersion, kind, ready: short(ready) },
        ...(failed === '' ? {} : { failed: short(failed) }),
        ...(message === '' || message.length > longestExpression ? {} : { message }),
      }));
    return statusRuleViolations(rules, `spec.components[${index}].object_policy.status_rules`);
  });
}

function specFromWire(from: wire.ApplicationSpec): ApplicationSpec {
  try {
    return applicationSpecFromWire(from);
  } catch (error) {
    if (!(error instanceof InvalidRequest)) throw error;
    const known = new Set(error.fieldViolations.map(({ field }) => field));
    const others = ruleViolations(from).filter(({ field }) => !known.has(field));
    throw new InvalidRequest([...error.fieldViolations, ...others]);
  }
}

function specOf(source: wire.ApplyApplicationRequest['source']): ApplicationSpec {
  switch (source.case) {
    case 'spec':
      return specFromWire(source.value);
    case 'manifests':
      return importManifests(parseManifests(source.value.content));
    case undefined:
      throw new InvalidRequest([{ field: 'spec', description: 'found nothing; allowed is one of spec, manifests' }]);
  }
}

function clustersNamedIn(spec: ApplicationSpec): Intake['clusters'] {
  const of = (policy: PlacementPolicy | undefined, path: string) => [
    ...(policy?.clusters ?? []).map((cluster, index) => ({ cluster, field: `${path}.clusters[${index}]` })),
    ...(policy?.clusterGroups ?? []).flatMap(({ clusters }, group) =>
      clusters.map((cluster, index) => ({ cluster, field: `${path}.cluster_groups[${group}].clusters[${index}]` })),
    ),
  ];
  return [
    ...of(spec.placement, 'spec.placement'),
    ...spec.components.flatMap(({ placement }, index) => of(placement, `spec.components[${index}].placement`)),
  ];
}

/** What JSON keeps of a value: undefined fields go. */
const plain = (value: unknown): JsonValue => {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  if (typeof value !== 'object' || value === null) return null;
  if (!isJsonObject(value)) return null;
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  return Object.fromEntries(entries.map(([key, each]) => [key, plain(each)]));
};

/** Daemons are not placed by labels: theirs run on whatever nodes match. */
const nodeLabelKeysOf = ({ components }: ApplicationSpec): string[] =>
  selectorKeys(components.filter(({ kind }) => kind !== 'daemon').flatMap((each) => podNodeSelector(each) ?? []));

/** Manifests are measured as they came. */
function refuseLarge(content: string): void {
  const size = Buffer.byteLength(content);
  if (size <= limits.specBytes) return;
  const description = `found ${size} bytes; allowed are at most ${limits.specBytes}`;
  throw new InvalidRequest([{ field: 'spec', description }]);
}

/**
 * Reads what was handed in, through whichever door.
 *
 * @throws InvalidRequest naming each wrong field; NotBuilt naming each through which a Secret would enter.
 */
export function readIntake(source: wire.ApplyApplicationRequest['source']): Intake {
  const spec = checked(specOf(source));
  const content = canonicalJson(plain(spec));
  if (source.case === 'spec') refuseLarge(content);
  return {
    spec,
    digest: createHash('sha256').update(content).digest('hex'),
    charge: spec.components
      .map((component) => timesResources(podRequests(asRun(spec, component)), component.replicas))
      .reduce(addResources, noResources),
    nodeLabelKeys: nodeLabelKeysOf(spec),
    objects: spec.components.flatMap((component) =>
      objectRefsOf(component, '').map(({ kind, name }) => ({ kind, name })),
    ),
    clusters: clustersNamedIn(spec),
  };
}
