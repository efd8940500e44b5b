import { readFile, rm, writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import { dnsLabel } from '#domain';
import { type HollowCluster, startHollowCluster } from '#hollow';
import { type Running, runMain, StartupError } from '#platform';

/** `npm run hollow -- NAME`: one hollow cluster of its own, to register by hand. */
const command = new Command('npm run hollow --')
  .description('Starts a hollow cluster and writes its kubeconfig; Ctrl-C ends it and removes the file.')
  .argument('<name>', 'the cluster’s name')
  .option('--nodes <count>', 'how many nodes', '3')
  .option('--cpu <quantity>', 'cores of each node', '4')
  .option('--memory <quantity>', 'memory of each node', '16Gi')
  .option('--kubeconfig <path>', 'where its kubeconfig is written (default: NAME.kubeconfig)')
  .parse();
const [name = ''] = command.args;
const {
  nodes,
  cpu,
  memory,
  kubeconfig = `${name}.kubeconfig`,
} = command.opts<Record<'nodes' | 'cpu' | 'memory', string> & { kubeconfig?: string }>();

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
  if (!dnsLabel.test(name))
    throw new StartupError(`the name is ${JSON.stringify(name)}; allowed are 1 to 63 of a-z, 0-9 and "-"`);
  const count = Number(nodes);
  if (!Number.isInteger(count) || count < 1 || count > 1000)
    throw new StartupError(`--nodes is ${nodes}; allowed: 1 to 1000`);
  const cluster = await startHollowCluster({ name, nodes: { count, cpu, memory }, readyDelayMs: [500, 2000] });
  await writeKubeconfig(cluster);
  console.log(
    `hollow cluster ${name}: ${count} nodes of ${cpu} cores and ${memory} at ${cluster.url}; kubeconfig in ${kubeconfig}`,
  );
  return {
    close: async () => {
      await cluster.close();
      await removeKubeconfig(cluster);
    },
  };
});
