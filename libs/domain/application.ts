import { z } from 'zod';
import { isJsonObject, type JsonObject } from './json.js';
import { name, quoted } from './name.js';
import { objectPolicySchema } from './object-policy.js';
import { contradictions, type PlacedComponent, type PlacementPolicy, placementPolicy } from './placement-policy.js';

/**
 * The application model: what a tenant hands in. The schemas below are its one definition; the types follow from
 * them, every door (proto, manifests) ends here, and each violation carries the path of the wrong field.
 */

export const limits = {
  components: 100,
  containers: 20,
  replicas: 10_000,
  links: 100,
  specBytes: 2 * 1024 * 1024,
  /** Of a priority, on either side of 0. */
  priority: 1_000_000,
} as const;

/** Verbatim Kubernetes fields that the model has no word for: carried, rendered, never interpreted. */
const passthrough = z.custom<JsonObject>(isJsonObject, 'must be an object');

/** OCI reference (distribution/reference): no spaces, an optional registry, tag and digest. */
const imageForm =
  /^(?:[a-zA-Z0-9.-]+(?::[0-9]+)?\/)?[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*)*(?::[\w][\w.-]{0,127})?(?:@[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[0-9a-fA-F]{32,})?$/;
const image = z
  .string()
  .max(1024)
  .regex(imageForm, {
    error: (issue) =>
      `found ${quoted(issue.input)}; allowed is an image reference like registry.example/team/app:1.2 without spaces`,
  });

const port = z.int().min(1, 'must be 1 to 65535').max(65_535, 'must be 1 to 65535');
const protocol = z.enum(['TCP', 'UDP', 'SCTP']);
const amount = z.int().min(0, 'must not be negative').max(Number.MAX_SAFE_INTEGER);

/** CPU in thousandths of a core, memory in bytes; absent is not asked for. */
const computeAmounts = z.strictObject({ mcpu: amount.optional(), memoryBytes: amount.optional() });

const probe = z.strictObject({
  check: z.discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('http'),
      path: z.string(),
      port: z.union([port, name]),
      scheme: z.enum(['HTTP', 'HTTPS']).optional(),
      headers: z.array(z.strictObject({ name: z.string(), value: z.string() })),
    }),
    z.strictObject({ kind: z.literal('tcp'), port: z.union([port, name]) }),
    z.strictObject({ kind: z.literal('grpc'), port, service: z.string().optional() }),
    z.strictObject({ kind: z.literal('exec'), command: z.array(z.string()).min(1) }),
  ]),
  initialDelaySeconds: z.int().min(0).optional(),
  periodSeconds: z.int().min(1).optional(),
  timeoutSeconds: z.int().min(1).optional(),
  successThreshold: z.int().min(1).optional(),
  failureThreshold: z.int().min(1).optional(),
});

const container = z.strictObject({
  name,
  image,
  command: z.array(z.string()),
  args: z.array(z.string()),
  env: z.array(z.strictObject({ name: z.string().min(1), value: z.string() })),
  ports: z.array(z.strictObject({ name: name.optional(), port, protocol: protocol.optional() })),
  requests: computeAmounts,
  limits: computeAmounts,
  readiness: probe.optional(),
  liveness: probe.optional(),
  startup: probe.optional(),
  /** Fields of the Kubernetes container that the model has no word for. */
  extra: passthrough,
});

/** A port under which other components reach this one, by the component's name. */
const servicePort = z.strictObject({
  name: name.optional(),
  port,
  targetPort: z.union([port, name]).optional(),
  protocol: protocol.optional(),
});

const component = z.strictObject({
  name,
  kind: z.enum(['service', 'stateful-service', 'job', 'cron-job', 'daemon']),
  replicas: z
    .int({ error: 'must be a whole number' })
    .min(0, { error: (issue) => `found ${issue.input}; must be 0 to ${limits.replicas}` })
    .max(limits.replicas, { error: (issue) => `found ${issue.input}; must be 0 to ${limits.replicas}` }),
  /** Cron expression; cron jobs only. */
  schedule: z.string().min(1).optional(),
  containers: z.array(container).min(1, 'at least one container').max(limits.containers),
  initContainers: z.array(container).max(limits.containers),
  servicePorts: z.array(servicePort),
  /** Components of the same application that this one calls: they are placed together. */
  links: z.array(name).max(limits.links),
  placement: placementPolicy.optional(),
  objectPolicy: objectPolicySchema.optional(),
  /** Verbatim parts of an imported workload: its labels and annotations, its spec besides the template, its pod spec. */
  workloadExtra: z.strictObject({
    metadata: passthrough,
    spec: passthrough,
    podMetadata: passthrough,
    podSpec: passthrough,
  }),
  /** Whole objects that belong to this component (Services, ServiceAccounts, ConfigMaps …), verbatim. */
  objects: z.array(passthrough),
});

const priorityBounds = (issue: { input?: unknown }): string =>
  `found ${String(issue.input)}; must be a whole number, ${-limits.priority} to ${limits.priority}`;

export const applicationSpecSchema = z
  .strictObject({
    components: z.array(component).min(1, 'at least one component').max(limits.components),
    placement: placementPolicy,
    /** Waiting work of a higher one is decided first; absent: 0. */
    priority: z
      .int({ error: priorityBounds })
      .min(-limits.priority, { error: priorityBounds })
      .max(limits.priority, { error: priorityBounds })
      .optional(),
    /** Whether it may take room from what is placed with a lower priority; absent: it may. */
    preemption: z.enum(['lower-priority', 'never']).optional(),
    /** `best-effort`: runs without requests on what is measured as unused, and is the first to go; absent: `requested`. */
    tier: z.enum(['requested', 'best-effort']).optional(),
  })
  .superRefine((spec, context) => {
    const known = new Set<string>();
    spec.components.forEach((each, index) => {
      const path = ['components', index];
      if (known.has(each.name))
        context.addIssue({ code: 'custom', path: [...path, 'name'], message: `"${each.name}" is there twice` });
      known.add(each.name);
      if (each.kind === 'cron-job' && each.schedule === undefined)
        context.addIssue({
          code: 'custom',
          path: [...path, 'schedule'],
          message: 'a cron job needs a schedule, like "*/5 * * * *"',
        });
      if (each.kind !== 'cron-job' && each.schedule !== undefined)
        context.addIssue({
          code: 'custom',
          path: [...path, 'schedule'],
          message: `only cron jobs have a schedule, this is a ${each.kind}`,
        });
    });
    if (spec.tier === 'best-effort')
      spec.components.forEach((each, index) => {
        const wrong = (field: string, message: string): void =>
          context.addIssue({ code: 'custom', path: ['components', index, field], message });
        if (each.kind === 'daemon') wrong('kind', 'a daemon runs on every node: it cannot be best-effort');
        if (each.objects.some(({ kind }) => kind === 'PersistentVolumeClaim'))
          wrong('objects', 'what is best-effort is evicted with its objects: it can have no PersistentVolumeClaim');
      });
    spec.components.forEach((each, index) => {
      each.links.forEach((link, at) => {
        if (!known.has(link))
          context.addIssue({
            code: 'custom',
            path: ['components', index, 'links', at],
            message: `"${link}" is no component of this application; there are ${[...known].join(', ')}`,
          });
      });
    });
    for (const [path, policy] of policiesOf(spec))
      policy.affinity?.forEach(({ application, component }, at) => {
        if (application === '' && component !== '' && !known.has(component))
          context.addIssue({
            code: 'custom',
            path: [...path, 'affinity', at, 'component'],
            message: `"${component}" is no component of this application; there are ${[...known].join(', ')}`,
          });
      });
    for (const [path, policy, components] of policiesOf(spec))
      for (const { field, message } of contradictions(policy, components))
        context.addIssue({ code: 'custom', path: [...path, ...field], message });
  });

interface UncheckedSpec {
  placement: PlacementPolicy;
  components: (PlacedComponent & { placement?: PlacementPolicy | undefined })[];
}

/** Every policy of a spec with its path, and the components that it is for. */
function policiesOf(spec: UncheckedSpec): [(string | number)[], PlacementPolicy, PlacedComponent[]][] {
  const own = spec.components.flatMap((each, index): [(string | number)[], PlacementPolicy, PlacedComponent[]][] =>
    each.placement === undefined ? [] : [[['components', index, 'placement'], each.placement, [each]]],
  );
  return [[['placement'], spec.placement, spec.components.filter((each) => each.placement === undefined)], ...own];
}

export type ApplicationSpec = z.infer<typeof applicationSpecSchema>;
export type Component = z.infer<typeof component>;
export type Container = z.infer<typeof container>;
export type Probe = z.infer<typeof probe>;
export type ServicePort = z.infer<typeof servicePort>;
export type ComponentKind = Component['kind'];
