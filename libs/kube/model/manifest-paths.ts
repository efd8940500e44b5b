import type { FieldViolation } from '#domain';
import { workloadForms } from './kinds.js';
import type { ImportedWorkload } from './workload.js';

type Step = string | number;

/** The model's words and the manifest's, where they differ. */
const containerFields: Readonly<Record<string, string>> = {
  requests: 'resources.requests',
  limits: 'resources.limits',
  readiness: 'readinessProbe',
  liveness: 'livenessProbe',
  startup: 'startupProbe',
};
const leafFields: Readonly<Record<string, string>> = { mcpu: 'cpu', memoryBytes: 'memory', port: 'containerPort' };

const written = (steps: readonly Step[]): string =>
  steps.map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`)).join('');

/** Where a field of the model stands in the manifest that it came from. */
function manifestPath(steps: readonly Step[], workloads: readonly ImportedWorkload[]): string {
  const [top, at, field, index, ...deeper] = steps;
  const workload = top === 'components' && typeof at === 'number' ? workloads[at] : undefined;
  if (workload === undefined) return top === 'components' ? 'manifests' : `spec${written(steps)}`;
  const manifest = `manifests[${workload.index}]`;
  if (field === 'name') return `${manifest}.metadata.name`;
  if (field === 'replicas') return `${manifest}.spec.${workload.component.kind === 'job' ? 'parallelism' : 'replicas'}`;
  if (field !== 'containers' && field !== 'initContainers')
    return `${manifest}.spec${field === undefined ? '' : `.${String(field)}`}`;
  const pod = `${manifest}.spec.${workloadForms[workload.component.kind].template.join('.')}.spec.${field}`;
  const [first, ...rest] = deeper;
  const inside = [
    ...(first === undefined ? [] : [typeof first === 'string' ? (containerFields[first] ?? first) : first]),
    ...rest.map((step) => (typeof step === 'string' ? (leafFields[step] ?? step) : step)),
  ];
  return `${pod}${index === undefined ? '' : written([index])}${written(inside)}`;
}

/** What the model finds wrong, said of the manifests. */
export const violationsOf = (
  error: { issues: readonly { path: readonly PropertyKey[]; message: string }[] },
  workloads: readonly ImportedWorkload[],
): FieldViolation[] =>
  error.issues.map(({ path, message }) => ({
    field: manifestPath(
      path.map((step) => (typeof step === 'number' ? step : String(step))),
      workloads,
    ),
    description: message,
  }));
