import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isJsonObject, type JsonObject } from '#domain';
import {
  type ApplyOptions,
  connectCluster,
  isNotFound,
  type KubeClient,
  KubeError,
  type ObjectChange,
  type Reflector,
  reflect,
} from '#kube';
import { type CutLine, cutLineTo } from '../kubernetes/cut-line.js';
import { describeMembers, type TestMember, type TestMembers } from '../kubernetes/members.js';
import { pause } from '../kubernetes/process.js';
import { until } from '../kubernetes/until.js';
import { seeded, seedOfRun } from '../seed.js';

/** What a reflector is to know of an object. */
interface Seen {
  uid: string;
  name: string;
  version: bigint;
  counter: number;
}

const namespace = 'default';
const configMaps = { apiVersion: 'v1', kind: 'ConfigMap' };
const selector = 'suite=watches-live';
const crashes = 5;
const objects = 30;
const writesPerSecond = 50;

const seenOf = (object: JsonObject): Seen => {
  const metadata = isJsonObject(object.metadata) ? object.metadata : {};
  const annotations = isJsonObject(metadata.annotations) ? metadata.annotations : {};
  return {
    uid: String(metadata.uid),
    name: String(metadata.name),
    version: BigInt(String(metadata.resourceVersion)),
    counter: Number(annotations.counter),
  };
};

/** Everything one reflector said, held against what may be said at all. */
class Witness {
  readonly last = new Map<string, Seen>();
  readonly deleted = new Set<string>();
  readonly wrongs: string[] = [];
  heard = 0;

  hear({ type, kept }: ObjectChange<Seen>): void {
    this.heard += 1;
    const before = this.last.get(kept.uid);
    const { name, version, counter } = kept;
    if (this.deleted.has(kept.uid)) this.wrongs.push(`${type} ${name} after it was deleted`);
    if (type === 'added' && before !== undefined) this.wrongs.push(`${name} was added twice`);
    if (type === 'modified' && before === undefined) this.wrongs.push(`${name} was modified before it was added`);
    if (type === 'modified' && before !== undefined && version <= before.version)
      this.wrongs.push(`${name} went from version ${before.version} to ${version}`);
    if (before !== undefined && counter < before.counter)
      this.wrongs.push(`${name} went from ${before.counter} to ${counter}`);
    if (type === 'deleted') this.deleted.add(kept.uid);
    this.last.set(kept.uid, kept);
  }

  living(): Seen[] {
    return [...this.last.values()].filter(({ uid }) => !this.deleted.has(uid)).sort(byName);
  }
}

const byName = (a: Seen, b: Seen) => (a.name < b.name ? -1 : 1);

/** Changes objects without end: counts each up, and now and then deletes one, to be made again under its name. */
class Writer {
  written = 0;
  failed = 0;
  readonly deletions = new Set<string>();
  private readonly counters = new Map<string, number>();

  constructor(
    private readonly client: KubeClient,
    private readonly chance: () => number,
  ) {}

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const due = Date.now() + 1000 / writesPerSecond;
      try {
        await this.step();
      } catch (error) {
        if (!(error instanceof KubeError)) throw error;
        this.failed += 1; // the server is down: what was sent may have been done or not
      }
      await pause(Math.max(5, due - Date.now()));
    }
  }

  private async step(): Promise<void> {
    const name = `counted-${Math.floor(this.chance() * objects)}`;
    const options: ApplyOptions = { fieldManager: 'writer', timeoutMs: 2_000 };
    if (this.chance() < 0.1) return this.delete(name);
    const counter = (this.counters.get(name) ?? 0) + 1;
    this.counters.set(name, counter);
    const metadata = { name, namespace, labels: { suite: 'watches-live' }, annotations: { counter: `${counter}` } };
    await this.client.apply({ ...configMaps, metadata }, options);
    this.written += 1;
  }

  private async delete(name: string): Promise<void> {
    const ref = { ...configMaps, namespace, name };
    try {
      const { uid } = seenOf(await this.client.get(ref, { timeoutMs: 2_000 }));
      await this.client.delete(ref, { uid, propagation: 'Background', timeoutMs: 2_000 });
      this.deletions.add(uid);
      this.written += 1;
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

describeMembers('watches that live', (flavour) => {
  let members: TestMembers;
  let member: TestMember;
  let line: CutLine;

  beforeAll(async () => {
    members = await flavour.start(['watched'], { count: 1, cpu: '4', memory: '8Gi' });
    const [first] = members.members;
    if (first === undefined) throw new Error('no member was started');
    member = first;
    line = await cutLineTo(member.access.url);
  });
  afterAll(async () => {
    await line?.close();
    await members?.close();
  });

  describe('while the API server is killed under load', () => {
    it('no change is missed, none is told twice, and no object goes backwards', async () => {
      const seed = seedOfRun();
      const chance = seeded(seed);
      const access = { ...member.access, url: line.url };
      const client = await connectCluster(access, { userAgent: 'berth-watches' });
      const direct = await connectCluster(member.access, { userAgent: 'berth-writer', retries: { tries: 1 } });
      const life = new AbortController();
      const load = new AbortController();
      const witnesses: { witness: Witness; reflector: Reflector<Seen> }[] = [false, true].map((metadataOnly) => {
        const witness = new Witness();
        const reflector = reflect<Seen>(client, {
          kind: configMaps,
          namespace,
          labelSelector: selector,
          metadataOnly,
          keep: seenOf,
          onChange: (change) => witness.hear(change),
          signal: life.signal,
        });
        return { witness, reflector };
      });
      await Promise.all(witnesses.map(({ reflector }) => reflector.synced));

      const writer = new Writer(direct, chance);
      const writing = writer.run(load.signal);
      for (let crash = 0; crash < crashes; crash += 1) {
        const heard = witnesses.map(({ witness }) => witness.heard);
        const isLive = () => witnesses.every(({ witness }, index) => witness.heard > (heard[index] ?? 0)) || undefined;
        await until('the watches are live', isLive, 60_000);
        const before = writer.written;
        const enough = before + 20 + Math.floor(chance() * 60);
        await until('the writer is at work', () => writer.written >= enough || undefined, 60_000);
        line.cut();
        const [written, failed] = [writer.written, writer.failed];
        const start = await member.crash();
        // a real server takes nothing in now; a hollow one does, unwatched
        const isFelt = () => writer.written > written + 10 || writer.failed > failed || undefined;
        await until('the writer has felt it', isFelt, 60_000);
        await start();
        line.mend();
      }
      const last = writer.written + 50;
      await until('the writer is at work again', () => writer.written >= last || undefined, 60_000);
      load.abort();
      await writing;

      const truth: Seen[] = [];
      for await (const { items } of client.list(configMaps, { namespace, labelSelector: selector }))
        truth.push(...items.map(seenOf));
      truth.sort(byName);
      for (const { witness, reflector } of witnesses) {
        await until('everything was heard', () => {
          const [known, there] = [witness.living(), truth].map((each) =>
            each.map(({ uid, version }) => `${uid} ${version}`),
          );
          return known?.join() === there?.join() || undefined;
        });
        expect(witness.wrongs).toEqual([]);
        expect(witness.living()).toEqual(truth);
        expect(reflector.values().sort(byName)).toEqual(truth);
        const untold = [...writer.deletions].filter((uid) => witness.last.has(uid) && !witness.deleted.has(uid));
        expect(untold).toEqual([]);
      }
      const [full] = witnesses;
      console.info(
        `watches that live [${flavour.name}]: seed ${seed}, ${writer.written} writes, ${crashes} crashes, ` +
          `${full?.witness.heard} changes heard, ${full?.reflector.lists()} lists`,
      );
      life.abort(new Error('the test is over'));
      await Promise.all(witnesses.map(({ reflector }) => reflector.done));
      await Promise.all([client.close(), direct.close()]);
    }, 300_000);
  });
});
