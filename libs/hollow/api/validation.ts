import { type Fields, fieldsAt, isFields, type KubeObject, type LabelSelector, sameJson } from '../objects.js';
import { quantityValue } from '../quantity.js';
import type { ResourceKind } from '../resources.js';
import { missingRequired } from '../schema/check.js';
import { valueErrors } from '../schema/values.js';
import { matchesSelector } from '../selectors.js';
import { type FieldError, invalid } from '../status.js';
import { definitionErrors } from './definition-rules.js';

const dnsLabel = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const dnsSubdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const labelValue = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;
const strictlyLabelNamed = new Set(['Namespace', 'Service']);

const wrong = (field: string, value: unknown, why: string): FieldError => ({
  field,
  reason: 'FieldValueInvalid',
  message: `Invalid value: ${JSON.stringify(value)}: ${why}`,
});

function nameErrors(resource: ResourceKind, { name }: { name: string }): FieldError[] {
  if (resource.group.startsWith('rbac')) return [];
  const asLabel = strictlyLabelNamed.has(resource.builtIn);
  const fits = asLabel ? dnsLabel.test(name) && name.length <= 63 : dnsSubdomain.test(name) && name.length <= 253;
  if (fits) return [];
  const examples = asLabel
    ? " (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
    : " (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
  const form = asLabel ? 'a lowercase RFC 1123 label' : 'a lowercase RFC 1123 subdomain';
  return [
    wrong(
      'metadata.name',
      name,
      `${form} must consist of lower case alphanumeric characters${asLabel ? " or '-'" : ", '-' or '.'"}, and must start and end with an alphanumeric character${examples}`,
    ),
  ];
}

function labelErrors(labels: unknown, path: string): FieldError[] {
  return Object.entries(isFields(labels) ? labels : {})
    .filter(([, value]) => typeof value !== 'string' || value.length > 63 || !labelValue.test(value))
    .map(([, value]) =>
      wrong(path, value, 'a valid label must be an empty string or consist of alphanumeric characters'),
    );
}

function countErrors(spec: Fields, names: readonly string[]): FieldError[] {
  return names
    .filter((name) => Number(spec[name] ?? 0) < 0)
    .map((name) => wrong(`spec.${name}`, spec[name], 'must be greater than or equal to 0'));
}

function quantityErrors(container: Fields, path: string): FieldError[] {
  return ['requests', 'limits'].flatMap((kind) =>
    Object.entries(fieldsAt(container, 'resources', kind))
      .filter(([, value]) => (quantityValue(value) ?? -1) < 0)
      .map(([name, value]) =>
        wrong(`${path}.resources.${kind}[${name}]`, value, 'must be a valid, non-negative quantity'),
      ),
  );
}

function podErrors(spec: Fields, path: string): FieldError[] {
  const containers = Array.isArray(spec.containers) ? spec.containers.filter(isFields) : [];
  if (containers.length === 0)
    return [{ field: `${path}.containers`, reason: 'FieldValueRequired', message: 'Required value' }];
  return containers.flatMap((container, index) => {
    const at = `${path}.containers[${index}]`;
    const image = container.image;
    const errors = quantityErrors(container, at);
    if (image === undefined || image === '')
      errors.push({ field: `${at}.image`, reason: 'FieldValueRequired', message: 'Required value' });
    else if (String(image).trim() !== image)
      errors.push(wrong(`${at}.image`, image, 'must not have leading or trailing whitespace'));
    if (!dnsLabel.test(String(container.name ?? '')))
      errors.push(wrong(`${at}.name`, container.name, 'a lowercase RFC 1123 label is required'));
    return errors;
  });
}

function templateErrors(object: KubeObject): FieldError[] {
  const spec = fieldsAt(object, 'spec');
  const template = fieldsAt(spec, 'template');
  if (!isFields(spec.template)) return [];
  const errors = podErrors(fieldsAt(template, 'spec'), 'spec.template.spec');
  const labels = fieldsAt(template, 'metadata', 'labels') as Record<string, string>;
  errors.push(...labelErrors(labels, 'spec.template.metadata.labels'));
  if (isFields(spec.selector) && !matchesSelector(spec.selector as LabelSelector, labels))
    errors.push(wrong('spec.template.metadata.labels', labels, '`selector` does not match template `labels`'));
  return errors;
}

const counted: Record<string, readonly string[]> = {
  Deployment: ['replicas', 'minReadySeconds', 'revisionHistoryLimit'],
  ReplicaSet: ['replicas', 'minReadySeconds'],
  StatefulSet: ['replicas', 'minReadySeconds'],
  Job: ['parallelism', 'completions', 'backoffLimit'],
};

function serviceErrors(spec: Fields): FieldError[] {
  const ports = Array.isArray(spec.ports) ? spec.ports.filter(isFields) : [];
  if (ports.length === 0 && spec.type !== 'ExternalName' && spec.clusterIP !== 'None')
    return [{ field: 'spec.ports', reason: 'FieldValueRequired', message: 'Required value' }];
  return ports
    .filter(({ port }) => Number(port) < 1 || Number(port) > 65535)
    .map((port, index) => wrong(`spec.ports[${index}].port`, port.port, 'must be between 1 and 65535, inclusive'));
}

/** Throws 422 Invalid with one cause for each wrong field. */
export function validate(resource: ResourceKind, object: KubeObject): void {
  const errors = [
    ...nameErrors(resource, object.metadata),
    ...labelErrors(object.metadata.labels, 'metadata.labels'),
    ...(resource.schema === undefined ? builtInErrors(resource, object) : valueErrors(resource.schema, object)),
  ];
  if (errors.length > 0) throw invalid(resource, object.metadata.name, errors);
}

function builtInErrors(resource: ResourceKind, object: KubeObject): FieldError[] {
  const spec = fieldsAt(object, 'spec');
  const errors: FieldError[] = [
    ...missingRequired(resource.type, object, '')
      .filter((field) => !field.startsWith('status') && !field.startsWith('metadata') && !field.endsWith('.containers'))
      .map((field) => ({ field, reason: 'FieldValueRequired', message: 'Required value' }) satisfies FieldError),
    ...countErrors(spec, counted[object.kind] ?? []),
    ...templateErrors(object),
  ];
  if (object.kind === 'Pod') errors.push(...podErrors(spec, 'spec'));
  if (object.kind === 'Service') errors.push(...serviceErrors(spec));
  if (resource.builtIn === 'CustomResourceDefinition') errors.push(...definitionErrors(object));
  return errors;
}

const immutableFields: Record<string, readonly string[]> = {
  Deployment: ['selector'],
  ReplicaSet: ['selector'],
  DaemonSet: ['selector'],
  Job: ['selector', 'template', 'completionMode'],
  CustomResourceDefinition: ['group', 'scope'],
  PersistentVolumeClaim: ['accessModes', 'storageClassName', 'volumeMode', 'selector'],
};

const mutableStatefulSetFields = new Set([
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
]);

const mutablePodFields = new Set([
  'containers',
  'initContainers',
  'activeDeadlineSeconds',
  'tolerations',
  'terminationGracePeriodSeconds',
  'schedulingGates',
]);

function changedOutside(mutable: ReadonlySet<string>, before: Fields, after: Fields): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].filter((name) => !mutable.has(name) && !sameJson(before[name], after[name]));
}

function frozenPodFields(before: Fields, after: Fields): string[] {
  const changed = changedOutside(mutablePodFields, before, after);
  return changed.filter((name) => name !== 'nodeName' || before.nodeName !== undefined);
}

/** Throws 422 when a change touches what may not change after creation. */
export function validateChange(resource: ResourceKind, before: KubeObject, after: KubeObject): void {
  const old = fieldsAt(before, 'spec');
  const fresh = fieldsAt(after, 'spec');
  const errors: FieldError[] = (immutableFields[resource.builtIn] ?? [])
    .filter((name) => old[name] !== undefined && old[name] !== '' && !sameJson(old[name], fresh[name]))
    .map((name) => wrong(`spec.${name}`, fresh[name] ?? null, 'field is immutable'));
  if (
    resource.builtIn === 'Service' &&
    old.clusterIP &&
    old.type !== 'ExternalName' &&
    old.clusterIP !== fresh.clusterIP
  )
    errors.push(wrong('spec.clusterIPs[0]', [fresh.clusterIP], 'may not change once set'));
  if (resource.builtIn === 'StatefulSet' && changedOutside(mutableStatefulSetFields, old, fresh).length > 0)
    errors.push({
      field: 'spec',
      reason: 'FieldValueForbidden',
      message:
        "Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
    });
  if (resource.builtIn === 'Pod' && old !== fresh && frozenPodFields(old, fresh).length > 0)
    errors.push({
      field: 'spec',
      reason: 'FieldValueForbidden',
      message:
        'Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
    });
  if (
    resource.builtIn === 'ConfigMap' &&
    before.immutable === true &&
    !sameJson([before.data, before.binaryData], [after.data, after.binaryData])
  )
    errors.push({
      field: 'data',
      reason: 'FieldValueForbidden',
      message: 'Forbidden: field is immutable when `immutable` is set',
    });
  if (errors.length > 0) throw invalid(resource, after.metadata.name, errors);
}
