import type { Allotment, Neighbour } from '#placement';
import type { placementStore } from '#store';

type Release = placementStore.WaitingRelease;

/** Those of other releases change nothing, and are not read either. */
const asksOfNeighbours = ({ spec: { placement, components } }: Release): boolean =>
  [placement, ...components.map((each) => each.placement)].some((policy) => (policy?.affinity?.length ?? 0) > 0);

const environmentOf = ({ tenant, project, environment }: Release): string => `${tenant}/${project}/${environment}`;

/** Where the applications of one batch have been placed, for those that are decided after them. */
export class Neighbourhood {
  readonly #moved = new Map<string, Map<string, readonly Neighbour[]>>();

  note(release: Release, allotments: readonly Allotment[]): void {
    const { application } = release;
    const moved = this.#moved.get(environmentOf(release)) ?? new Map<string, readonly Neighbour[]>();
    this.#moved.set(environmentOf(release), moved);
    moved.set(
      application,
      allotments.map(({ component, cluster }) => ({ application, component, cluster })),
    );
  }

  /** The release with its neighbours where they will be. */
  beside(release: Release): Release {
    const moved = this.#moved.get(environmentOf(release));
    if (moved === undefined || !asksOfNeighbours(release)) return release;
    const stayed = release.neighbours.filter(({ application }) => !moved.has(application));
    const came = [...moved].flatMap(([application, places]) => (application === release.application ? [] : places));
    return { ...release, neighbours: [...stayed, ...came] };
  }
}
