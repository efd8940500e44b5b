import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  type ApplicationSpec,
  applicationSpecSchema,
  type Component,
  type FieldViolation,
  InvalidRequest,
} from '#domain';
import * as wire from '../wire.js';
import { containerFromWire, containerToWire, servicePortFromWire, servicePortToWire } from './container.js';
import {
  componentKindFromWire,
  componentKindToWire,
  preemptionFromWire,
  preemptionToWire,
  tierFromWire,
  tierToWire,
} from './enums.js';
import { wirePath } from './field-paths.js';
import { objectPolicyFromWire, objectPolicyToWire } from './object-policy.js';
import { defined, textOrAbsent } from './optional.js';
import { policyFromWire, policyToWire, word } from './policy.js';

/**
 * Reads a handed-in application: quantities parsed, what is left out filled in, everything checked.
 *
 * @throws InvalidRequest naming every wrong field by its path on the wire, as `spec.components[2].replicas`.
 */
export function applicationSpecFromWire(from: wire.ApplicationSpec, path = 'spec'): ApplicationSpec {
  const wrong: FieldViolation[] = [];
  const candidate: ApplicationSpec = {
    components: from.components.map((each, index) => componentFromWire(each, `${path}.components[${index}]`, wrong)),
    placement: policyFromWire(from.placement, `${path}.placement`, wrong),
    ...defined({ priority: from.priority === 0 ? undefined : from.priority }),
    ...defined({
      preemption: word(from.preemption, preemptionFromWire, preemptionToWire, `${path}.preemption`, wrong),
      tier: word(from.tier, tierFromWire, tierToWire, `${path}.tier`, wrong),
    }),
  };
  return checkedSpec(candidate, path, wrong);
}

/**
 * Checks a spec against the model's one definition.
 *
 * @throws InvalidRequest with `wrong` and every violation of the schema, each by its path on the wire.
 */
export function checkedSpec(
  candidate: ApplicationSpec,
  path: string,
  wrong: readonly FieldViolation[] = [],
): ApplicationSpec {
  const result = applicationSpecSchema.safeParse(candidate);
  const known = new Set(wrong.map(({ field }) => field));
  const violations = result.success
    ? []
    : result.error.issues.map((issue) => ({
        field: wirePath(path, issue.path, candidate),
        description: issue.message,
      }));
  const all = [...wrong, ...violations.filter(({ field }) => !known.has(field))];
  if (all.length > 0) throw new InvalidRequest(all);
  return result.success ? result.data : candidate;
}

function componentFromWire(from: wire.Component, path: string, wrong: FieldViolation[]): Component {
  const kind: Component['kind'] | undefined = componentKindFromWire[from.kind];
  if (kind === undefined)
    wrong.push({
      field: `${path}.kind`,
      description: `found ${from.kind}; allowed are ${Object.keys(componentKindToWire).join(', ')}`,
    });
  const alone = from.containers.length === 1 ? from.name : '';
  return {
    name: from.name,
    kind: kind ?? 'service',
    replicas: from.replicas ?? 1,
    containers: from.containers.map((each, index) =>
      containerFromWire(each, alone, `${path}.containers[${index}]`, wrong),
    ),
    initContainers: from.initContainers.map((each, index) =>
      containerFromWire(each, '', `${path}.init_containers[${index}]`, wrong),
    ),
    servicePorts: from.servicePorts.map((each, index) =>
      servicePortFromWire(each, `${path}.service_ports[${index}]`, wrong),
    ),
    links: [...from.links],
    ...defined({
      schedule: textOrAbsent(from.schedule),
      placement: from.placement === undefined ? undefined : policyFromWire(from.placement, `${path}.placement`, wrong),
      objectPolicy:
        from.objectPolicy === undefined
          ? undefined
          : objectPolicyFromWire(from.objectPolicy, `${path}.object_policy`, wrong),
    }),
    workloadExtra: {
      metadata: from.kubernetes?.metadata ?? {},
      spec: from.kubernetes?.spec ?? {},
      podMetadata: from.kubernetes?.podMetadata ?? {},
      podSpec: from.kubernetes?.podSpec ?? {},
    },
    objects: [...(from.kubernetes?.objects ?? [])],
  };
}

type ExtraInit = MessageInitShape<typeof wire.KubernetesExtraSchema>;

function extraToWire({ workloadExtra, objects }: Component): ExtraInit | undefined {
  const parts = Object.entries(workloadExtra).filter(([, part]) => Object.keys(part).length > 0);
  if (parts.length === 0 && objects.length === 0) return undefined;
  const extra: ExtraInit = Object.fromEntries(parts);
  return { ...extra, objects };
}

const componentToWire = (component: Component): MessageInitShape<typeof wire.ComponentSchema> => ({
  name: component.name,
  kind: componentKindToWire[component.kind],
  replicas: component.replicas,
  schedule: component.schedule ?? '',
  containers: component.containers.map(containerToWire),
  initContainers: component.initContainers.map(containerToWire),
  servicePorts: component.servicePorts.map(servicePortToWire),
  links: component.links,
  ...defined({
    placement: component.placement === undefined ? undefined : policyToWire(component.placement),
    kubernetes: extraToWire(component),
    objectPolicy: component.objectPolicy === undefined ? undefined : objectPolicyToWire(component.objectPolicy),
  }),
});

/** Writes a spec with everything in it that was filled in when it came. */
export const applicationSpecToWire = (spec: ApplicationSpec): wire.ApplicationSpec =>
  create(wire.ApplicationSpecSchema, {
    components: spec.components.map(componentToWire),
    placement: policyToWire(spec.placement),
    priority: spec.priority ?? 0,
    ...defined({ preemption: spec.preemption === undefined ? undefined : preemptionToWire[spec.preemption] }),
    ...defined({ tier: spec.tier === undefined ? undefined : tierToWire[spec.tier] }),
  });
