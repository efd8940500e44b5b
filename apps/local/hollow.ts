import { readFile, rm, writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import { type HollowCluster, startHollowCluster } from '#hollow';
import { type Running, runMain, StartupError } from '#platform';
import { type HollowFlags, readHollowFlags } from './flags.js';

/** `npm run hollow -- NAME`: one hollow cluster of its own, to register by hand. */
const command = new Command('npm run hollow --')
  .description('Starts a hollow cluster and writes its kubeconfig; Ctrl-C ends it and removes the file.')
  .argument('<name>', 'the cluster’s name')
  .option('--nodes <count>', 'how many nodes', '3')
  .option('--cpu <quantity>', 'cores of each node', '4')
  .option('--memory <quantity>', 'memory of each node', '16Gi')
  .option('--kubeconfig <path>', 'where its kubeconfig is written (default: NAME.kubeconfig)')
  .parse();
const [typed = ''] = command.args;
const { kubeconfig = `${typed}.kubeconfig`, ...flags } = command.opts<HollowFlags & { kubeconfig?: string }>();

async function writeKubeconfig(cluster: HollowCluster): Promise<void> {
  try {
    await writeFile(kubeconfig, cluster.kubeconfig, { mode: 0o600 });
  } catch (cause) {
    throw new StartupError(`kubeconfig ${kubeconfig}: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

/** Unless somebody else has written there since. */
async function removeKubeconfig(cluster: HollowCluster): Promise<void> {
  const found = await readFile(kubeconfig, 'utf8').catch(() => undefined); // gone already, or no longer ours to read
  if (found === cluster.kubeconfig) await rm(kubeconfig, { force: true });
}

await runMain(async (): Promise<Running> => {
  const { name, nodes } = readHollowFlags(typed, flags);
  const cluster = await startHollowCluster({ name, nodes, readyDelayMs: [500, 2000], tls: true });
  await writeKubeconfig(cluster);
  const { count, cpu, memory } = nodes;
  console.log(`hollow cluster ${name}: ${count} nodes of ${cpu} cores and ${memory} at ${cluster.url}
for kubectl, "berth cluster register" and its agent: export KUBECONFIG=${kubeconfig}; Ctrl-C ends it and removes the file`);
  return {
    close: async () => {
      await cluster.close();
      await removeKubeconfig(cluster);
    },
  };
});
