// The inside of the worker that a plug-in package runs in. Plain JavaScript, since the worker starts it as it is.
import { parentPort, workerData } from 'node:worker_threads';

const { module: url, packageVersion, settings, filters, scores, limits } = workerData;

const textOf = (error) => (error instanceof Error ? error.message : String(error)).split('\n')[0];
const shorten = (text) => (text.length <= limits.text ? text : `${text.slice(0, limits.text - 1)}…`);

function listOf(said, name, clusters) {
  if (!Array.isArray(said) && !ArrayBuffer.isView(said)) throw new Error(`${name} answered ${typeof said} and no list`);
  if (said.length !== clusters.length)
    throw new Error(`${name} answered for ${said.length} clusters and not for ${clusters.length}`);
  return said;
}

/** True, or why not, for each cluster: as numbers of distinct reasons. Those that are too many become one. */
function verdictsOf(said, clusters) {
  const places = new Map();
  const verdicts = Float64Array.from(listOf(said, 'filter', clusters), (verdict, at) => {
    if (verdict === true) return 0;
    if (typeof verdict !== 'string')
      throw new Error(
        `filter answered ${String(verdict)} for ${clusters[at].id}; allowed are true and the reason why not`,
      );
    const text = shorten(verdict.trim() || 'no reason given');
    const reason = places.has(text) || places.size < limits.reasons - 1 ? text : 'another reason';
    if (!places.has(reason)) places.set(reason, places.size + 1);
    return places.get(reason);
  });
  return { reasons: [...places.keys()], verdicts };
}

const scoresOf = (said, clusters) =>
  Float64Array.from(listOf(said, 'score', clusters), (score) => (typeof score === 'number' ? score : Number.NaN));

async function judge(plugin, group, clusters) {
  const answer = { failure: undefined, reasons: [], verdicts: undefined, scores: undefined };
  try {
    const context = { settings };
    if (filters) Object.assign(answer, verdictsOf(await plugin.filter(group, clusters, context), clusters));
    if (scores) answer.scores = scoresOf(await plugin.score(group, clusters, context), clusters);
    return answer;
  } catch (error) {
    return { ...answer, failure: `threw: ${textOf(error)}` };
  }
}

async function load() {
  const plugin = await import(url);
  for (const [asked, name] of [
    [filters, 'filter'],
    [scores, 'score'],
  ])
    if (asked && typeof plugin[name] !== 'function') throw new Error(`exports no function "${name}"`);
  return plugin;
}

const loading = load();
loading.then(
  () => parentPort.postMessage({ ready: true }),
  (error) => parentPort.postMessage({ ready: false, failure: `cannot be loaded: ${textOf(error)}` }),
);

parentPort.on('message', async ({ id, groups, clusters }) => {
  try {
    const plugin = await loading;
    const answers = [];
    for (const group of groups) answers.push(await judge(plugin, group, clusters));
    const version = typeof plugin.version === 'string' ? plugin.version : packageVersion;
    parentPort.postMessage({ id, version, answers });
  } catch (error) {
    parentPort.postMessage({ id, failure: textOf(error) });
  }
});
