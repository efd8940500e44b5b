import { berthLabels, type JsonObject, type ObjectRef } from '#domain';
import { connectCluster, identityOf, type KubeClient, KubeError } from '#kube';
import { pause } from '../kubernetes/process.js';
import type { FaultyMember } from './members.js';

const pauseMs = 250;
const ownNames = 6;
/** Whoever puts a field back oftener is left alone with it, as the docs say. */
const mostEdits = 2;
const kinds = [
  { apiVersion: 'apps/v1', kind: 'Deployment' },
  { apiVersion: 'v1', kind: 'ConfigMap' },
  { apiVersion: 'v1', kind: 'Service' },
];

/** Somebody with rights in a member who keeps things of his own there, beside Berth's, and meddles with Berth's. */
export class Stranger {
  /** His objects by namespace/name, with what he last wrote. */
  readonly own = new Map<string, string>();
  readonly counts = { own: 0, edited: 0, deleted: 0, failed: 0 };
  readonly #edits = new Map<string, number>();
  #written = 0;

  private constructor(
    readonly member: FaultyMember,
    readonly client: KubeClient,
    private readonly chance: () => number,
  ) {}

  static async in(member: FaultyMember, chance: () => number): Promise<Stranger> {
    const client = await connectCluster(member.access, { userAgent: 'stranger', retries: { tries: 1 } });
    return new Stranger(member, client, chance);
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#step();
      } catch (error) {
        if (!(error instanceof KubeError)) throw error;
        this.counts.failed += 1; // the server is down, or the object has gone
      }
      await pause(pauseMs * (0.5 + this.chance()));
    }
  }

  async #step(): Promise<void> {
    if (this.chance() < 0.4) return this.#keepOwn();
    const kind = kinds[Math.floor(this.chance() * kinds.length)] ?? { apiVersion: 'v1', kind: 'ConfigMap' };
    const found = await this.#berths(kind);
    const ref = found[Math.floor(this.chance() * found.length)];
    if (ref === undefined) return;
    if (this.chance() < 0.4) await this.#delete(ref);
    else await this.#edit(ref);
  }

  async #berths(kind: { apiVersion: string; kind: string }): Promise<(ObjectRef & { uid: string })[]> {
    const found: (ObjectRef & { uid: string })[] = [];
    const labelSelector = `${berthLabels.managedBy}=${berthLabels.managedByValue}`;
    for await (const { items } of this.client.list(kind, { labelSelector, timeoutMs: 2_000 }))
      found.push(...items.map((item) => ({ ...identityOf(item), ...kind })));
    return found;
  }

  /** In the namespace of Berth's objects where there is one, else in one that was there before. */
  async #keepOwn(): Promise<void> {
    const [neighbour] = await this.#berths({ apiVersion: 'apps/v1', kind: 'Deployment' });
    const namespace = this.chance() < 0.5 ? (neighbour?.namespace ?? 'default') : 'default';
    const name = `strange-${Math.floor(this.chance() * ownNames)}`;
    const key = `${namespace}/${name}`;
    const content = `${this.#written++}`;
    const ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace, name };
    const metadata = { name, namespace };
    this.own.delete(key); // until it is known what became of it
    await this.client.apply(
      { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { content } },
      { fieldManager: 'stranger', force: true, timeoutMs: 2_000 },
    );
    this.own.set(key, content);
    this.counts.own += 1;
    if (this.chance() > 0.2) return;
    const { uid } = identityOf(await this.client.get(ref, { timeoutMs: 2_000 }));
    this.own.delete(key);
    await this.client.delete(ref, { uid, propagation: 'Background', timeoutMs: 2_000 });
  }

  async #delete({ uid, ...ref }: ObjectRef & { uid: string }): Promise<void> {
    await this.client.delete(ref, { uid, propagation: 'Background', timeoutMs: 2_000 });
    this.counts.deleted += 1;
  }

  async #edit({ uid: _, ...ref }: ObjectRef & { uid: string }): Promise<void> {
    const key = `${ref.kind} ${ref.namespace}/${ref.name}`;
    const edits = this.#edits.get(key) ?? 0;
    if (edits >= mostEdits) return;
    this.#edits.set(key, edits + 1);
    const patches: Readonly<Record<string, JsonObject>> = {
      Deployment: { spec: { replicas: 5 } },
      ConfigMap: { data: { mark: 'meddled with' } },
      Service: { spec: { selector: { [berthLabels.component]: 'meddled-with' } } },
    };
    await this.client.patchMerge(ref, patches[ref.kind] ?? {}, { timeoutMs: 2_000 });
    this.counts.edited += 1;
  }
}
