interface ProfileNode {
  id: number;
  callFrame: { functionName: string; url: string };
}

/** What V8 gives: nodes, and which of them each sample met, with the microseconds since the one before. */
export interface CpuProfile {
  nodes: readonly ProfileNode[];
  samples?: readonly number[] | undefined;
  timeDeltas?: readonly number[] | undefined;
}

const places: readonly (readonly [RegExp, string])[] = [
  [/node_modules\/@bufbuild\//, 'protobuf'],
  [/libs\/contract\//, 'codecs wire to domain'],
  [/node_modules\/@grpc\//, 'grpc-js'],
  [/node_modules\/pg[-/]/, 'pg'],
  [/libs\/store\//, 'libs/store'],
  [/apps\/hub\//, 'apps/hub'],
  [/libs\/platform\//, 'libs/platform'],
  [/^node:/, 'Node (HTTP/2, TLS, streams, timers)'],
];

const ownNames = {
  '(garbage collector)': 'garbage collection',
  '(idle)': 'idle',
  '(program)': 'native, outside of JavaScript',
};
const isNamed = (name: string): name is keyof typeof ownNames => Object.hasOwn(ownNames, name);

function placeOf({ functionName, url }: ProfileNode['callFrame']): string {
  if (isNamed(functionName)) return ownNames[functionName];
  if (url === '') return `built in: ${functionName}`;
  return places.find(([pattern]) => pattern.test(url))?.[1] ?? 'other';
}

/** Microseconds of a CPU profile by where the code comes from: each sample counts for the function that ran. */
export function selfTimes({ nodes, samples = [], timeDeltas = [] }: CpuProfile): Record<string, number> {
  const byNode = new Map(nodes.map(({ id, callFrame }) => [id, placeOf(callFrame)]));
  const times: Record<string, number> = {};
  samples.forEach((id, index) => {
    const place = byNode.get(id) ?? 'other';
    times[place] = (times[place] ?? 0) + (timeDeltas[index] ?? 0);
  });
  return times;
}
