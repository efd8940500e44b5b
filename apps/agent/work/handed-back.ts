import { addResources, type Millis, noResources, type Resources } from '#domain';
import type { OwnedWatch, PodView } from '#kube';
import { type AgentParts, rest } from '../seams.js';
import type { HeldWork, HeldWorks } from './held-works.js';

/** Whoever deletes an object deletes its pods within moments; pods that nobody deletes for so long stay. */
const patienceMs: Millis = 30_000;

export const isLiving = ({ state, deleting }: PodView): boolean =>
  !deleting && state !== 'succeeded' && state !== 'ended';

const livingPods = (workId: string, watch: OwnedWatch): PodView[] => watch.podsOf(workId).filter(isLiving);

/** Pods live on, and no object of Berth's is left that they could belong to. */
const areLeftAlone = (workId: string, watch: OwnedWatch): boolean =>
  watch.objectsOf(workId).length === 0 && livingPods(workId, watch).length > 0;

/**
 * Pods that outlive what Berth had of them: a Deployment that was adopted and let go keeps its pods, and these keep Berth's
 * labels, since a change of its template would start them anew. From then on they are as foreign as any.
 */
export class HandedBack {
  readonly #watched = new Set<string>();
  readonly #letGo = new Set<string>();

  constructor(
    private readonly parts: AgentParts,
    private readonly held: HeldWorks,
    private readonly onChange: (workId: string) => void,
  ) {}

  /** An object of this work was let go, as ordered: its pods are meant to stay. */
  expect(workId: string): void {
    this.#letGo.add(workId);
    const held = this.held.get(workId);
    if (held !== undefined) this.look(held);
  }

  /** Notes whether the pods of a work that is wanted no more are there to stay. */
  look(held: HeldWork): void {
    const { id } = held.work;
    if (!this.#isDue(held)) return;
    if (this.#letGo.has(id)) {
      this.#note(held);
      return;
    }
    if (this.#watched.has(id)) return;
    this.#watched.add(id);
    void rest(this.parts.timing, patienceMs, this.parts.signal).then((hasWaited) => {
      this.#watched.delete(id);
      const now = this.held.get(id);
      if (hasWaited && now === held && this.#isDue(held)) this.#note(held);
    });
  }

  /** What they request together: theirs, and those of works that nobody knows any more. */
  requests(isCaughtUp: boolean): Resources {
    const { watch } = this.parts;
    const isForeign = (workId: string): boolean => {
      const held = this.held.get(workId);
      return held === undefined ? isCaughtUp && areLeftAlone(workId, watch) : held.isHandedBack;
    };
    const pods = watch
      .works()
      .filter(isForeign)
      .flatMap((workId) => livingPods(workId, watch));
    return pods.reduce((sum, { requests }) => addResources(sum, requests), noResources);
  }

  #isDue(held: HeldWork): boolean {
    return held.wanted.length === 0 && !held.isHandedBack && areLeftAlone(held.work.id, this.parts.watch);
  }

  #note(held: HeldWork): void {
    const { id, component, namespace } = held.work;
    held.isHandedBack = true;
    this.#letGo.delete(id);
    this.parts.log.info({ work: id, component, namespace }, 'pods live on without Berth');
    this.onChange(id);
  }
}
