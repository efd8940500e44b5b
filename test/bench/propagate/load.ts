import type { MessageInitShape } from '@bufbuild/protobuf';
import { wire } from '#contract';
import { type RpcClient, RpcError } from '#platform';
import type { DeploymentWatch } from './deployment-watch.js';

const project = 'tenants/default/projects/default';

/** One service of one container, as small as people write them. */
const specOf = (
  id: string,
  replicas: number,
  division: wire.Division,
  members: number,
): MessageInitShape<typeof wire.ApplicationSpecSchema> => ({
  components: [
    {
      name: id,
      kind: wire.ComponentKind.SERVICE,
      replicas,
      containers: [
        {
          name: 'web',
          image: 'registry.example.com/shop/web:1.4.2',
          env: [
            { name: 'APPLICATION', value: id },
            { name: 'LOG_LEVEL', value: 'info' },
          ],
          ports: [{ name: 'http', port: 8080 }],
          requests: { cpu: '50m', memory: '64Mi' },
          limits: { memory: '128Mi' },
        },
      ],
    },
  ],
  placement: { division, minClusters: members },
});

export interface Bench {
  applications: RpcClient<typeof wire.ApplicationService>;
  watches: readonly DeploymentWatch[];
  /** Calls that were made again. */
  repeated: number;
  /** Resolves at the next Deployment that any watch shows; rejects when one breaks. */
  news(): Promise<void>;
}

/** A call that a busy system puts off is made again with the same request id, as any client would. */
async function apply(bench: Bench, id: string, replicas: number, division: wire.Division): Promise<void> {
  const request = {
    name: `${project}/applications/${id}`,
    source: { case: 'spec' as const, value: specOf(id, replicas, division, bench.watches.length) },
    requestId: `bench-${id}`,
  };
  for (let attempt = 1; ; attempt++) {
    try {
      await bench.applications.applyApplication(request);
      return;
    } catch (error) {
      if (!(error instanceof RpcError) || error.code !== 'UNAVAILABLE' || attempt === attempts) throw error;
      bench.repeated += 1;
    }
  }
}

const attempts = 5;
const patienceMs = 120_000;

async function untilSeen(bench: Bench, isThere: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!isThere()) {
    await bench.news();
    if (performance.now() > deadline) throw await stuck(bench, what);
  }
}

async function stuck({ applications, watches }: Bench, id: string): Promise<Error> {
  const { environments } = await applications.getApplication({ name: `${project}/applications/${id}` });
  const state = JSON.stringify(environments, (_, value) => (typeof value === 'bigint' ? value.toString() : value));
  const seen = watches.map(({ count }) => count).join(', ');
  return new Error(`${id}: not in all members after ${patienceMs} ms; Deployments seen: ${seen}; it is ${state}`);
}

/** From a call until every member's watch has shown the Deployment. */
export interface SingleTimes {
  /** The call itself, milliseconds. */
  answeredMs: number[];
  /** Until the last member has it, milliseconds. */
  everywhereMs: number[];
}

/** One after another, each on a system that has come to rest. `look` measures sizes: in the rest, after every tenth. */
export async function propagateSingly(
  bench: Bench,
  options: { prefix: string; count: number; restMs: number; look(): Promise<void> },
): Promise<SingleTimes> {
  const times: SingleTimes = { answeredMs: [], everywhereMs: [] };
  for (let index = 0; index < options.count; index++) {
    const id = `${options.prefix}-${index}`;
    const from = performance.now();
    await apply(bench, id, 1, wire.Division.DUPLICATED);
    times.answeredMs.push(performance.now() - from);
    await untilSeen(bench, () => bench.watches.every((watch) => watch.seenAt(id) !== undefined), id);
    times.everywhereMs.push(Math.max(...bench.watches.map((watch) => watch.seenAt(id) ?? 0)) - from);
    if (index % 10 === 9) await options.look();
    await new Promise((resolve) => setTimeout(resolve, options.restMs));
  }
  return times;
}

export interface BulkTimes {
  /** Until the last call was answered, seconds. */
  answeredSeconds: number;
  /** Until the last Deployment was seen, seconds. */
  seconds: number;
  deployments: number;
}

/** As fast as they go, `concurrency` calls at a time; each application has replicas in every member. */
export async function propagateInBulk(
  bench: Bench,
  options: { prefix: string; count: number; concurrency: number; replicas: number },
): Promise<BulkTimes> {
  const { prefix, count, concurrency, replicas } = options;
  const from = performance.now();
  let next = 0;
  const caller = async (): Promise<void> => {
    while (next < count) await apply(bench, `${prefix}-${next++}`, replicas, wire.Division.DIVIDED);
  };
  const calling = Promise.all(Array.from({ length: concurrency }, caller));
  const answered = calling.then(() => performance.now() - from);
  const wanted = count * bench.watches.length;
  const seen = () => bench.watches.reduce((sum, watch) => sum + watch.count, 0);
  const before = seen();
  await Promise.all([answered, untilSeen(bench, () => seen() - before >= wanted, `${prefix}-${count - 1}`)]);
  const last = Math.max(...bench.watches.map((watch) => watch.lastAt));
  return { answeredSeconds: (await answered) / 1000, seconds: (last - from) / 1000, deployments: seen() - before };
}
