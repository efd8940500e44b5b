import { projectName } from '#contract';
import { formatBytes, formatMcpu, noResources, QuotaExceeded, type Resources, subtractResources } from '#domain';
import type { LockedProject } from '#store';

const resources = [
  { key: 'mcpu', word: 'cpu', format: formatMcpu },
  { key: 'memoryBytes', word: 'memory', format: formatBytes },
  { key: 'pods', word: 'pods', format: String },
] as const;

/** A charge that takes the place of others: that of a release which asks, and later that of the one which holds. */
export interface ChargeChange {
  charge: Resources;
  /** Given back now: the release never held anything. */
  asking: Resources | undefined;
  /** Given back when the new release is placed. Both are charged until then: that surge is the platform's. */
  holding: Resources | undefined;
}

/**
 * Judges a change by what will be charged once it is done; what asks for no more than before always passes, so that
 * a lowered quota takes nothing away.
 *
 * @throws QuotaExceeded naming the project, the resource and what is left.
 */
export function checkQuota(
  project: LockedProject,
  key: { tenant: string; project: string },
  { charge, asking = noResources, holding = noResources }: ChargeChange,
): void {
  for (const { key: resource, word, format } of resources) {
    const limit = project.quota[resource];
    const replaced = asking[resource] + holding[resource];
    if (limit === undefined || charge[resource] <= replaced) continue;
    const left = Math.max(0, limit - (project.used[resource] - replaced));
    if (charge[resource] <= left) continue;
    throw new QuotaExceeded({
      subject: projectName(key.tenant, key.project),
      resource: word,
      asked: format(charge[resource]),
      left: format(left),
    });
  }
}

/** What to add to the project's use. */
export const chargeDifference = ({ charge, asking = noResources }: ChargeChange): Resources =>
  subtractResources(charge, asking);
