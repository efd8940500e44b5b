import { writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import { startHollowCluster } from '#hollow';
import { runMain, StartupError } from '#platform';

/** `npm run hollow -- NAME`: one hollow cluster of its own, to register by hand. */
const command = new Command('npm run hollow --')
  .description('Starts a hollow cluster and writes its kubeconfig; ends with Ctrl-C.')
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

await runMain(async () => {
  const count = Number(nodes);
  if (!Number.isInteger(count) || count < 1 || count > 1000)
    throw new StartupError(`--nodes is ${nodes}; allowed: 1 to 1000`);
  const cluster = await startHollowCluster({ name, nodes: { count, cpu, memory }, readyDelayMs: [500, 2000] });
  await writeFile(kubeconfig, cluster.kubeconfig, { mode: 0o600 });
  console.log(
    `hollow cluster ${name}: ${count} nodes of ${cpu} cores and ${memory} at ${cluster.url}; kubeconfig in ${kubeconfig}`,
  );
  return cluster;
});
