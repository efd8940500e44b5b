import { canonicalJson, type Work } from '#domain';
import { identityOf } from '#kube';
import { keyOf, type MemberModel, type MemberObject, workOf } from './member-model.js';

/** One generation of a work, as it is to be in its member. */
interface Content {
  generation: bigint;
  objects: ReadonlyMap<string, string>;
}

const contentOf = ({ generation, objects }: Work): Content => ({
  generation,
  objects: new Map(
    objects
      .filter((manifest) => manifest.kind !== 'Namespace')
      .map((manifest) => [keyOf(identityOf(manifest)), canonicalJson(manifest)]),
  ),
});

/** What members really had, whether anybody reported it or not. */
export class Truth {
  /** work/generation that were wholly there at some moment, and wholly ready. */
  readonly #whole = new Set<string>();
  readonly #ready = new Set<string>();
  readonly #contents = new Map<string, Content[]>();
  /** By work/generation: from which moment of its member it was ready, or not, to the next entry. */
  readonly #turns = new Map<string, { moment: number; isReady: boolean }[]>();

  constructor(private readonly members: readonly MemberModel[]) {
    for (const member of members) member.follow(({ object }) => this.#look(member, workOf(object)));
  }

  /** A work has this content from now on. */
  ordered(work: Work): void {
    const content = contentOf(work);
    this.#contents.set(work.id, [...(this.#contents.get(work.id) ?? []), content]);
    // it may be there already, and of nothing everything is
    for (const member of this.members) if (member.cluster === work.cluster) this.#look(member, work.id);
  }

  wasWhole(workId: string, generation: bigint): boolean {
    return generation === 0n || this.#whole.has(`${workId}/${generation}`);
  }

  wasReady(workId: string, generation: bigint): boolean {
    return this.#ready.has(`${workId}/${generation}`);
  }

  /** As its member was at this moment; of moments before it was ordered nothing is known, and they pass. */
  wasReadyAt(workId: string, generation: bigint, moment: number): boolean {
    return this.#turns.get(`${workId}/${generation}`)?.findLast((turn) => turn.moment <= moment)?.isReady ?? true;
  }

  #look(member: MemberModel, workId: string): void {
    for (const { generation, objects } of this.#contents.get(workId) ?? []) {
      const there = [...objects].map(([key, manifest]) => asOrdered(member.objects.get(key), manifest));
      const name = `${workId}/${generation}`;
      const isReady = there.every((each) => each?.ready === true && !each.deleting);
      if (there.every((each) => each !== undefined)) this.#whole.add(name);
      if (isReady) this.#ready.add(name);
      const turns = this.#turns.get(name) ?? [];
      this.#turns.set(name, turns);
      if (turns.at(-1)?.isReady !== isReady) turns.push({ moment: member.moment, isReady });
    }
  }
}

const asOrdered = (there: MemberObject | undefined, manifest: string): MemberObject | undefined =>
  there !== undefined && canonicalJson(there.manifest) === manifest ? there : undefined;
