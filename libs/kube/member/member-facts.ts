import type { Instant, Millis, StorageClass } from '#domain';
import type { KubeClient } from '../client/client.js';
import type { Discovery } from '../client/discovery.js';
import { AccessForbidden, isNotFound, KubeError } from '../client/errors.js';
import { kindKey, textAt, textsAt } from '../client/objects.js';
import { readSchema } from './member-schema.js';
import type { Bounds, MemberSchema } from './port.js';
import { servedVersions } from './rendered-kinds.js';

export interface MemberFacts {
  serverVersion: string;
  /** As `apps/v1/Deployment`, sorted. */
  kinds: readonly string[];
  schemaDigest: string;
  storageClasses: readonly StorageClass[];
}

/** A CustomResourceDefinition or an upgrade is seen after so long. */
const factsLast: Millis = 60_000;
const mostStorageClasses = 64;
const storageClassKind = { apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass' } as const;
const defaultMarks = [
  'storageclass.kubernetes.io/is-default-class',
  'storageclass.beta.kubernetes.io/is-default-class',
];

/** What changes rarely in a cluster, asked anew once a minute; what is known stands while the server does not answer. */
export class RareFacts {
  private known: { facts: MemberFacts; at: Instant } | undefined;
  private schemaKnown: { of: string; read: Promise<MemberSchema> } | undefined;

  constructor(private readonly client: KubeClient) {}

  async read(bounds: Bounds): Promise<MemberFacts> {
    const now = this.client.timing.clock.now();
    if (this.known !== undefined && now - this.known.at < factsLast) return this.known.facts;
    try {
      this.known = { facts: await this.ask(bounds), at: now };
    } catch (error) {
      if (this.known === undefined || !(error instanceof KubeError && error.passing)) throw error;
    }
    return this.known.facts;
  }

  /** Read again only when the server, or what it serves of the kinds that Berth renders, has changed. */
  async schema(bounds: Bounds): Promise<MemberSchema> {
    const discovery = await this.client.discovery(bounds);
    return this.schemaOf(await this.version(bounds), discovery, bounds);
  }

  async version(bounds: Bounds): Promise<string> {
    return textAt(await this.client.read('/version', bounds), 'gitVersion');
  }

  private async ask(bounds: Bounds): Promise<MemberFacts> {
    const [serverVersion, discovery] = await Promise.all([
      this.version(bounds),
      this.client.discovery({ ...bounds, refresh: this.known !== undefined }),
    ]);
    const [{ digest }, storageClasses] = await Promise.all([
      this.schemaOf(serverVersion, discovery, bounds),
      this.storageClasses(bounds),
    ]);
    return { serverVersion, kinds: this.kindsOf(discovery), schemaDigest: digest, storageClasses };
  }

  /** Kinds of a group whose server does not answer now are unknown, not gone. */
  private kindsOf({ kinds, unavailable }: Discovery): string[] {
    const isUnknown = (kind: string) => unavailable.includes(kind.slice(0, kind.lastIndexOf('/')));
    const kept = (this.known?.facts.kinds ?? []).filter(isUnknown);
    return [...new Set([...kinds.keys(), ...kept])].sort();
  }

  private schemaOf(serverVersion: string, discovery: Discovery, { timeoutMs }: Bounds): Promise<MemberSchema> {
    const of = [serverVersion, ...servedVersions(discovery).map(kindKey)].join(' ');
    if (this.schemaKnown?.of !== of) {
      const read = readSchema(this.client, { timeoutMs });
      const entry = { of, read };
      this.schemaKnown = entry;
      read.catch(() => {
        if (this.schemaKnown === entry) this.schemaKnown = undefined; // the next caller asks again
      });
    }
    return this.schemaKnown.read;
  }

  private async storageClasses(bounds: Bounds): Promise<StorageClass[]> {
    const { kinds } = await this.client.discovery(bounds);
    if (!kinds.has(kindKey(storageClassKind))) return [];
    const found: StorageClass[] = [];
    try {
      for await (const { items } of this.client.list(storageClassKind, bounds))
        for (const item of items)
          found.push({
            name: textAt(item, 'metadata', 'name'),
            provisioner: textAt(item, 'provisioner'),
            isDefault: defaultMarks.some((mark) => textsAt(item, 'metadata', 'annotations')[mark] === 'true'),
            waitsForConsumer: textAt(item, 'volumeBindingMode') === 'WaitForFirstConsumer',
          });
    } catch (error) {
      // an agent without the right to read them works all the same; what volumes need is said when a claim is applied
      if (isNotFound(error) || error instanceof AccessForbidden) return [];
      throw error;
    }
    return found.sort((a, b) => (a.name < b.name ? -1 : 1)).slice(0, mostStorageClasses);
  }
}
