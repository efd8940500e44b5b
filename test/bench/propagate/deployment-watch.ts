import { isJsonObject, type JsonObject, type JsonValue } from '#domain';
import { MemberApi } from './member-api.js';

const deployments = '/apis/apps/v1/deployments';
const metadataOnly = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';

/** What a client that has nothing to do with Berth sees of a member's Deployments, and when it saw each first. */
export interface DeploymentWatch {
  /** When `performance.now()` a Deployment of that name was first shown; undefined: it is not there yet. */
  seenAt(name: string): number | undefined;
  /** How many were seen so far, and when the last. */
  readonly count: number;
  readonly lastAt: number;
  close(): Promise<void>;
}

export interface DeploymentWatchOptions {
  /** Others are left out. */
  prefix: string;
  /** Called for each new Deployment. */
  onSeen(): void;
  /** The watch has broken. */
  onFailure(error: unknown): void;
}

/** Rejects when the member does not let itself be watched. */
export async function watchDeployments(
  api: MemberApi,
  { prefix, onSeen, onFailure }: DeploymentWatchOptions,
): Promise<DeploymentWatch> {
  const own = new MemberApi(api.address, 1);
  const ending = new AbortController();
  const seen = new Map<string, number>();
  let lastAt = 0;
  const list = await api.get(`${deployments}?limit=1`);
  const version = isJsonObject(list.metadata) ? String(list.metadata.resourceVersion) : '';
  const path = `${deployments}?watch=true&resourceVersion=${version}&timeoutSeconds=3600`;
  const stream = await own.stream(path, metadataOnly, ending.signal);
  const follow = async (): Promise<void> => {
    for await (const line of linesOf(stream)) {
      const name = nameIn(line);
      if (seen.has(name) || !name.startsWith(prefix)) continue;
      lastAt = performance.now();
      seen.set(name, lastAt);
      onSeen();
    }
    throw new Error('the watch of a member ended');
  };
  const following = follow().catch((error: unknown) => {
    if (!ending.signal.aborted) onFailure(error);
  });
  return {
    seenAt: (name) => seen.get(name),
    get count() {
      return seen.size;
    },
    get lastAt() {
      return lastAt;
    },
    close: async () => {
      ending.abort();
      await following;
      await own.close();
    },
  };
}

async function* linesOf(stream: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of stream) {
    const lines = `${rest}${chunk.toString('utf8')}`.split('\n');
    rest = lines.pop() ?? '';
    yield* lines.filter((line) => line !== '');
  }
}

function nameIn(line: string): string {
  const event: JsonValue = JSON.parse(line);
  const object: JsonObject = isJsonObject(event) && isJsonObject(event.object) ? event.object : {};
  const name = isJsonObject(object.metadata) ? object.metadata.name : undefined;
  if (typeof name !== 'string') throw new Error(`a watch said ${line.slice(0, 300)}`);
  return name;
}
