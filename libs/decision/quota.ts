import { addResources, noResources, type Resources, subtractResources, timesResources } from '#domain';
import type { Allotment } from '#placement';
import type { placementStore } from '#store';
import type { Decided } from './decided.js';

/** What all pods of a decision ask for together. */
export const chargeOf = (allotments: readonly Allotment[]): Resources =>
  allotments.reduce(
    (sum, { perReplica, replicas }) => addResources(sum, timesResources(perReplica, replicas)),
    noResources,
  );

/**
 * Whether the commit of this decision changes what its project uses. The gateway holds the project's row for each apply:
 * who changes nothing must not wait for it.
 */
export const mayChangeUse = ({ decision, release }: Pick<Decided, 'decision' | 'release'>): boolean =>
  decision.placed && (release.replaces || !isSameAmount(chargeOf(decision.allotments), release.charged));

export const isSameAmount = (a: Resources, b: Resources): boolean =>
  a.mcpu === b.mcpu && a.memoryBytes === b.memoryBytes && a.pods === b.pods;

const projectKey = ({ tenant, project }: { tenant: string; project: string }): string => `${tenant}/${project}`;

const words = { mcpu: 'CPU (in thousandths of a core)', memoryBytes: 'memory (in bytes)', pods: 'pods' } as const;

/**
 * What locked projects use while a batch is being committed. The gateway charged the declared upper bound of each release;
 * here the difference to what was decided is charged, and what the replaced release was charged is given back.
 */
export class QuotaLedger {
  readonly #projects: Map<string, placementStore.ProjectQuota>;
  readonly #changed = new Set<string>();

  constructor(projects: readonly placementStore.ProjectQuota[]) {
    this.#projects = new Map(projects.map((project) => [projectKey(project), project]));
  }

  /** Why the project cannot carry the difference; undefined when it was charged. */
  charge(
    of: { tenant: string; project: string },
    amounts: { charge: Resources; charged: Resources; givenBack: Resources },
  ): placementStore.StoredRefusal | undefined {
    const key = projectKey(of);
    const project = this.#projects.get(key);
    if (project === undefined) return undefined;
    const difference = subtractResources(amounts.charge, amounts.charged);
    const used = subtractResources(addResources(project.used, difference), amounts.givenBack);
    for (const resource of ['mcpu', 'memoryBytes', 'pods'] as const) {
      const quota = project.quota[resource];
      if (quota === undefined || difference[resource] <= 0 || used[resource] <= quota) continue;
      const left = Math.max(0, quota - (used[resource] - difference[resource]));
      return {
        reason: 'QuotaExceeded',
        message: `project "${of.project}" has ${left} ${words[resource]} left of its quota; where it would be placed it needs ${difference[resource]} more than declared`,
        facts: { project: of.project, resource, asked: `${difference[resource]}`, left: `${left}` },
      };
    }
    this.#projects.set(key, { ...project, used: atLeastNothing(used) });
    this.#changed.add(key);
    return undefined;
  }

  /** Projects whose use has changed. */
  changes(): placementStore.ProjectQuota[] {
    return [...this.#changed].flatMap((key) => this.#projects.get(key) ?? []);
  }
}

const atLeastNothing = (used: Resources): Resources => ({
  mcpu: Math.max(0, used.mcpu),
  memoryBytes: Math.max(0, used.memoryBytes),
  pods: Math.max(0, used.pods),
});
