import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { isJsonObject, type JsonValue } from '#domain';

/** Where each cluster of a kubeconfig answers, each URL in one form. */
function serversOf(kubeconfig: string): string[] {
  const read = parse(kubeconfig) as JsonValue;
  const clusters = isJsonObject(read) && Array.isArray(read.clusters) ? read.clusters : [];
  return clusters.flatMap((each) => {
    const server = isJsonObject(each) && isJsonObject(each.cluster) ? each.cluster.server : undefined;
    return typeof server === 'string' && URL.canParse(server) ? [new URL(server).href] : [];
  });
}

/** Nothing is known of a folder that cannot be read, or that holds no kubeconfig. */
async function serversIn(folder: string): Promise<string[]> {
  try {
    return serversOf(await readFile(join(folder, 'kubeconfig'), 'utf8'));
  } catch {
    return [];
  }
}

/**
 * The clusters in the agents' folder whose API server is one of this kubeconfig's: the same Kubernetes cluster under
 * another name would be counted twice. Two addresses of one cluster are not seen through; its agents' reports tell those.
 */
export async function othersAtServer(agents: string, id: string, kubeconfig: string): Promise<string[]> {
  const own = serversOf(kubeconfig);
  const entries = await readdir(agents, { withFileTypes: true }).catch(() => []);
  const names = entries.filter((each) => each.isDirectory() && each.name !== id && !each.name.startsWith('.'));
  const found = await Promise.all(
    names.map(async ({ name }) => ({ name, servers: await serversIn(join(agents, name)) })),
  );
  return found.flatMap(({ name, servers }) => (servers.some((each) => own.includes(each)) ? [name] : [])).sort();
}
