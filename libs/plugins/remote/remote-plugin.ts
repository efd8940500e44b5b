import type { MessageInitShape } from '@bufbuild/protobuf';
import { plugin as wire } from '#contract';
import type { JsonObject, Resources } from '#domain';
import type { EnginePlugin } from '#placement';
import { openChannel, type RpcChannel, type RpcClient, RpcError } from '#platform';
import { type Plugin, PluginFailure, type Said } from '../port.js';
import type { ClusterView, GroupView, Question } from '../question.js';
import type { RemoteSettings } from '../settings.js';

export interface RemoteParts {
  engine: EnginePlugin;
  settings: JsonObject;
  runs: RemoteSettings;
  timeoutMs: number;
}

/** Of an answer; scores of a million clusters and groups take two. */
const mostBytes = 16 * 1024 * 1024;

const amounts = ({ mcpu, memoryBytes, pods }: Resources): MessageInitShape<typeof wire.AmountsSchema> => ({
  mcpu: BigInt(mcpu),
  memoryBytes: BigInt(memoryBytes),
  pods: BigInt(pods),
});

const clusterToWire = (cluster: ClusterView): MessageInitShape<typeof wire.ClusterSchema> => {
  const { id, region, zone, provider, labels, cordoned, nodes, allocatable, free, measured } = cluster;
  return {
    ...{ id, region, zone, provider, cordoned, nodes, labels: { ...labels } },
    allocatable: amounts(allocatable),
    free: amounts(free),
    ...(measured === undefined
      ? {}
      : {
          measured: amounts({
            mcpu: Math.round(measured.mcpu),
            memoryBytes: Math.round(measured.memoryBytes),
            pods: 0,
          }),
        }),
  };
};

const groupToWire = (group: GroupView): MessageInitShape<typeof wire.GroupSchema> => ({
  ...group,
  components: group.components.map(({ perReplica, labels, ...rest }) => ({
    ...rest,
    perReplica: amounts(perReplica),
    labels: { ...labels },
  })),
});

/** A plug-in that is a server of its own. */
export class RemotePlugin implements Plugin {
  readonly #channel: RpcChannel;
  readonly #client: RpcClient<typeof wire.PlacementPluginService>;

  constructor(private readonly parts: RemoteParts) {
    const { address, tls, token } = parts.runs;
    this.#channel = openChannel({
      address,
      ...(tls === undefined ? {} : { tls }),
      ...(token === undefined ? {} : { metadata: () => ({ authorization: `Bearer ${token}` }) }),
      attempts: 1,
      maxResponseBytes: mostBytes,
    });
    this.#client = this.#channel.client(wire.PlacementPluginService);
  }

  async ask({ groups, clusters }: Question, signal: AbortSignal): Promise<Said> {
    const { engine, settings, timeoutMs } = this.parts;
    const [filter, score] = [engine.filter !== undefined, engine.score !== undefined];
    const asked = { plugin: engine.name, settings, filter, score };
    const request = { ...asked, clusters: clusters.map(clusterToWire), groups: groups.map(groupToWire) };
    try {
      const { version, answers } = await this.#client.consult(request, { signal, deadlineMs: timeoutMs });
      return {
        version,
        answers: answers.map(({ reasons, verdicts, scores }) => ({
          failure: undefined,
          reasons,
          verdicts: filter ? verdicts : undefined,
          scores: score ? scores : undefined,
        })),
      };
    } catch (cause) {
      throw this.#failureOf(cause);
    }
  }

  async close(): Promise<void> {
    this.#channel.close();
  }

  #failureOf(cause: unknown): unknown {
    if (!(cause instanceof RpcError)) return cause;
    const { timeoutMs, runs } = this.parts;
    if (cause.code === 'DEADLINE_EXCEEDED') return new PluginFailure(`timeout after ${timeoutMs} ms`, { cause });
    if (cause.code === 'UNAVAILABLE') return new PluginFailure(`is not reachable at ${runs.address}`, { cause });
    return new PluginFailure(`answered ${cause.code}: ${cause.message}`, { cause });
  }
}
