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

  #look(member: MemberModel, workId: string): void {
    for (const { generation, objects } of this.#contents.get(workId) ?? []) {
      const there = [...objects].map(([key, manifest]) => asOrdered(member.objects.get(key), manifest));
      if (!there.every((each) => each !== undefined)) continue;
      this.#whole.add(`${workId}/${generation}`);
      if (there.every((each) => each?.ready === true && !each.deleting)) this.#ready.add(`${workId}/${generation}`);
    }
  }
}

const asOrdered = (there: MemberObject | undefined, manifest: string): MemberObject | undefined =>
  there !== undefined && canonicalJson(there.manifest) === manifest ? there : undefined;
