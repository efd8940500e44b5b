import {
  type ApplicationSpec,
  type Component,
  isJsonObject,
  linkGroups,
  type PlacementPolicy,
  placementOf,
} from '#domain';
import { asRun, podRequests } from '#kube';
import type { ExternalAnswers, Snapshot } from '#placement';
import type { GroupView, PluginHost } from '#plugins';
import { inDecidingOrder } from './group-order.js';

/** Of a release, as much as its groups are made of. */
export interface Consulting {
  tenant: string;
  project: string;
  environment: string;
  application: string;
  spec: ApplicationSpec;
}

/** Components that are decided together, in the order in which groups are decided. */
export const groupsOf = (
  spec: ApplicationSpec,
): readonly { components: readonly Component[]; policy: PlacementPolicy }[] =>
  inDecidingOrder(
    linkGroups(spec).flatMap((components) => {
      const [first] = components;
      return first === undefined ? [] : [{ components, policy: placementOf(spec, first) }];
    }),
  );

function labelsOf({ workloadExtra: { metadata } }: Component): Record<string, string> {
  const { labels } = metadata;
  if (!isJsonObject(labels)) return {};
  const entries = Object.entries(labels).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  return Object.fromEntries(entries);
}

const viewsOf = ({ spec, tenant, project, environment, application }: Consulting): GroupView[] =>
  groupsOf(spec).map(({ components }) => ({
    ...{ tenant, project, environment, application },
    components: components.map((component) => ({
      name: component.name,
      kind: component.kind,
      replicas: component.replicas,
      perReplica: podRequests(asRun(spec, component)),
      labels: labelsOf(component),
    })),
  }));

/** Nobody is asked about a release that cannot be read: its decision will say what is wrong with it. */
function viewsIfAny(release: Consulting): GroupView[] {
  try {
    return viewsOf(release);
  } catch {
    return [];
  }
}

/**
 * Asks plug-ins about all groups of all releases, one question to each plug-in. Answers each release's groups in deciding
 * order; who gave no answer is named in them. Never rejects.
 */
export async function consult<R extends Consulting>(
  releases: readonly R[],
  snapshot: Snapshot,
  plugins: PluginHost,
): Promise<ReadonlyMap<R, readonly ExternalAnswers[]>> {
  const views = releases.map(viewsIfAny);
  const answers = await plugins.consult(views.flat(), snapshot);
  let next = 0;
  return new Map(
    releases.map((release, at) => {
      const from = next;
      next += views[at]?.length ?? 0;
      return [release, answers.slice(from, next)];
    }),
  );
}
