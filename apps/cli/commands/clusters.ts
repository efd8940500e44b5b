import { create } from '@bufbuild/protobuf';
import type { Command } from 'commander';
import { wire } from '#contract';
import { RpcError } from '#platform/client';
import { type AgentFolder, draftFolder, type ElsewhereOptions, elsewhere, narrowed } from '../agents-folder.js';
import { Unfulfilled, UsageError } from '../failure.js';
import { everyPage } from '../pages.js';
import { othersAtServer } from '../same-server.js';
import type { Session } from '../session.js';
import type { Shell } from '../shell.js';
import { clusterDetail, clusterTable, elsewhereLines, enrolmentLines } from '../text/clusters.js';
import { idOf } from '../text/figures.js';
import type { Look } from '../text/look.js';
import { watchedClusters } from '../watching/kinds.js';
import { showWatch } from '../watching/show.js';
import { addCosts, type CostOptions, costsOf } from './costs.js';
import { changedLabels, changedTaints } from './facts.js';
import { addNodeScoring, type NodeScoringOption, nodeScoringOf } from './node-scoring.js';
import { addOrphans } from './orphans.js';
import { confirm } from './remove.js';

const examples = `
Examples:
  berth clusters
  berth clusters -o wide           and which versions run, and when each agent was heard
  berth cluster register eu-1 --region eu-central --zone a --provider own --label tier=gold --taint gpu=yes:NoSchedule
  berth cluster register edge-7 --kubeconfig edge.kubeconfig --context edge-7 --agents /var/lib/berth/clusters
  berth cluster label eu-1 tier=silver team-
  berth cluster taint eu-1 maintenance:NoSchedule
  berth cluster set eu-1 --core-price 0.031 --memory-price 0.004 --carbon 380 --jurisdiction eu --jurisdiction de
  berth cluster cordon eu-1`;

export function addClusters(program: Command, shell: Shell): void {
  const cluster = program
    .command('cluster')
    .alias('clusters')
    .description('Register member clusters and see how full they are (operators).')
    .addHelpText('after', examples);
  const list = cluster.command('list', { isDefault: true }).description('All clusters with how full they are.');
  shell.on(list, async (session) => await listClusters(session));
  const get = cluster.command('get').argument('<name>').description('One cluster in full.');
  shell.on(get, async (session, [id = '']) => {
    showCluster(session, await session.clusters.getCluster({ name: session.names.cluster(id) }));
    return undefined;
  });
  const watch = cluster.command('watch').argument('[name]').description('Show clusters as they change, until Ctrl-C.');
  shell.on(watch, async (session, [id]) => {
    const name = id === undefined ? '' : session.names.cluster(id);
    return await showWatch(session, watchedClusters(session, name), id);
  });
  addRegistration(cluster, shell);
  addChanges(cluster, shell);
  addCostChanges(cluster, shell);
  addRevocation(cluster, shell);
  addRemoval(cluster, shell);
  addOrphans(cluster, shell);
}

async function listClusters(session: Session): Promise<undefined> {
  const clusters = await everyPage(
    (page) => session.clusters.listClusters(page),
    (page) => page.clusters,
  );
  const wide = session.settings.format === 'wide';
  session.show({
    schema: wire.ListClustersResponseSchema,
    message: create(wire.ListClustersResponseSchema, { clusters }),
    names: clusters.map(({ name }) => name),
    text: (look) => clusterTable(clusters, look, { wide }),
  });
}

function showCluster(session: Session, cluster: wire.Cluster, sentence?: string): void {
  session.show({
    schema: wire.ClusterSchema,
    message: cluster,
    names: [cluster.name],
    text: (look) => (sentence === undefined ? clusterDetail(cluster, look) : [sentence]),
  });
}

const collect = (value: string, before: readonly string[]): string[] => [...before, value];

interface RegisterOptions extends CostOptions, NodeScoringOption {
  region?: string;
  zone?: string;
  provider?: string;
  label: string[];
  taint: string[];
  requestId?: string;
  kubeconfig?: string;
  context?: string;
  agents?: string;
}

/** Whoever registers a cluster again mostly wants its agent to enrol again. */
function hasAlready(error: unknown, id: string): unknown {
  if (!(error instanceof RpcError) || error.code !== 'ALREADY_EXISTS') return error;
  return new Unfulfilled(`${error.code}: ${error.message}`, [
    `"berth cluster token ${id}" makes another token for its agent`,
  ]);
}

/** For clusters that cannot host an agent. */
function addElsewhere(command: Command): void {
  command
    .option(
      '--kubeconfig <file>',
      'the cluster cannot host its agent: hand this kubeconfig to agents that run elsewhere',
    )
    .option('--context <name>', 'of the kubeconfig; else its current one')
    .option('--agents <dir>', 'the folder that those agents serve ("berth-agent --clusters <dir>")');
}

/** Before anything is registered it is known that the kubeconfig can be used and the folder be written. */
async function folderFor(session: Session, id: string, options: ElsewhereOptions): Promise<AgentFolder | undefined> {
  const place = elsewhere(options);
  if (place === undefined) return undefined;
  const kubeconfig = await narrowed(session.io, place.kubeconfig, place.context);
  const others = await othersAtServer(place.agents, id, kubeconfig);
  if (others.length > 0)
    session.io.err.write(
      `warning: ${place.kubeconfig} leads to the API server of ${others.join(', ')}, too: one Kubernetes cluster under two names is counted twice\n`,
    );
  return await draftFolder(place.agents, id, kubeconfig);
}

function nextLines(
  session: Session,
  id: string,
  token: wire.EnrolmentToken,
  folder: AgentFolder | undefined,
  options: ElsewhereOptions,
  look: Look,
): string[] {
  if (folder === undefined) return enrolmentLines(id, token, look, session.io.env.KUBECONFIG);
  return elsewhereLines(folder.path, options.agents ?? '', token, look);
}

function addRegistration(cluster: Command, shell: Shell): void {
  const register = cluster
    .command('register')
    .argument('<name>', 'a DNS label')
    .description('Register a cluster; prints the one-use token for its agent and how to run it.')
    .option('--region <region>', 'where it is, like eu-central')
    .option('--zone <zone>', 'where in the region')
    .option('--provider <provider>', 'who runs it')
    .option('--label <key=value>', 'a label; may be repeated', collect, [])
    .option('--taint <key=value:effect>', 'turns away what does not tolerate it; may be repeated', collect, [])
    .option('--request-id <id>', 'repeating a request with the same id has no further effect');
  addNodeScoring(addCosts(register));
  addElsewhere(register);
  shell.on<RegisterOptions>(register, async (session, [typed = ''], options) => {
    const id = idOf(session.names.cluster(typed));
    const { region = '', zone = '', provider = '' } = options;
    const labels = changedLabels({}, options.label);
    const taints = changedTaints([], options.taint);
    const order = {
      clusterId: id,
      cluster: { region, zone, provider, labels, taints, ...costsOf(options).costs, ...nodeScoringOf(options).scoring },
      requestId: options.requestId ?? '',
    };
    const folder = await folderFor(session, id, options);
    const answer = await session.clusters.registerCluster(order).catch(async (error: unknown) => {
      await folder?.discard();
      throw hasAlready(error, id);
    });
    await folder?.finish(answer.enrolmentToken?.token ?? '');
    session.show({
      schema: wire.RegisterClusterResponseSchema,
      message: answer,
      names: [answer.cluster?.name ?? ''],
      text: (look) => [
        `cluster ${look.palette.bold(id)} registered`,
        ...(answer.enrolmentToken === undefined
          ? []
          : nextLines(session, id, answer.enrolmentToken, folder, options, look)),
      ],
    });
    return undefined;
  });
  const token = cluster
    .command('token')
    .argument('<name>')
    .description('Make another enrolment token, for an agent that has lost its certificate; voids earlier ones.');
  addElsewhere(token);
  shell.on<ElsewhereOptions>(token, async (session, [typed = ''], options) => {
    const name = session.names.cluster(typed);
    const id = idOf(name);
    const folder = await folderFor(session, id, options);
    const made = await session.clusters.createEnrolmentToken({ name }).catch(async (error: unknown) => {
      await folder?.discard();
      throw error;
    });
    await folder?.finish(made.token);
    session.show({
      schema: wire.EnrolmentTokenSchema,
      message: made,
      names: [made.token],
      text: (look) => nextLines(session, id, made, folder, options, look),
    });
    return undefined;
  });
}

/** Reads a cluster, changes some of its fields, and writes them only if nobody else has written meanwhile. */
async function change(
  session: Session,
  id: string,
  path: 'labels' | 'taints' | 'cordoned',
  changed: (
    cluster: wire.Cluster,
  ) => { labels: Record<string, string> } | { taints: wire.Taint[] } | { cordoned: boolean },
): Promise<wire.Cluster> {
  const read = await session.clusters.getCluster({ name: session.names.cluster(id) });
  return await session.clusters.updateCluster({
    cluster: { name: read.name, etag: read.etag, ...changed(read) },
    updateMask: { paths: [path] },
  });
}

function addChanges(cluster: Command, shell: Shell): void {
  const label = cluster
    .command('label')
    .argument('<name>')
    .argument('<changes...>', 'key=value sets, key- takes away')
    .description('Change labels.');
  shell.on(label, async (session, [id = '', ...changes]) => {
    const after = await change(session, id, 'labels', ({ labels }) => ({ labels: changedLabels(labels, changes) }));
    showCluster(session, after, `cluster ${id} labelled`);
    return undefined;
  });
  const taint = cluster
    .command('taint')
    .argument('<name>')
    .argument('<changes...>', 'key=value:NoSchedule sets, key- takes away')
    .description('Change taints.');
  shell.on(taint, async (session, [id = '', ...changes]) => {
    const after = await change(session, id, 'taints', ({ taints }) => ({
      taints: changedTaints(taints, changes).map((each) => create(wire.TaintSchema, each)),
    }));
    showCluster(session, after, `cluster ${id} tainted`);
    return undefined;
  });
  for (const [verb, cordoned, what] of [
    ['cordon', true, 'Admit nothing new.'],
    ['uncordon', false, 'Admit new work again.'],
  ] as const) {
    shell.on(cluster.command(verb).argument('<name>').description(what), async (session, [id = '']) => {
      showCluster(session, await change(session, id, 'cordoned', () => ({ cordoned })), `cluster ${id} ${verb}ed`);
      return undefined;
    });
  }
}

function addCostChanges(cluster: Command, shell: Shell): void {
  const set = cluster
    .command('set')
    .argument('<name>')
    .description(
      'Say what a cluster costs, what its power emits, under whose law its data lies, and which nodes it fills first.',
    );
  shell.on<CostOptions & NodeScoringOption>(addNodeScoring(addCosts(set)), async (session, [id = ''], options) => {
    const { costs, paths: costPaths } = costsOf(options);
    const { scoring, scoringPaths } = nodeScoringOf(options);
    const paths = [...costPaths, ...scoringPaths];
    if (paths.length === 0) throw new UsageError('nothing to set; "berth cluster set --help" lists what there is');
    const name = session.names.cluster(id);
    const after = await session.clusters.updateCluster({
      cluster: { name, ...costs, ...scoring },
      updateMask: { paths },
    });
    showCluster(session, after, `cluster ${id} set`);
    return undefined;
  });
}

function addRevocation(cluster: Command, shell: Shell): void {
  const revoke = cluster
    .command('revoke')
    .argument('<name>')
    .option('-y, --yes', 'do not ask')
    .description('Cut off the agent of a cluster: its certificates and unused tokens count no more.');
  shell.on<{ yes?: boolean }>(revoke, async (session, [id = ''], { yes }) => {
    const name = session.names.cluster(id);
    await confirm(session, `cut off the agent of cluster ${id}`, yes);
    const answer = await session.clusters.revokeAgent({ name });
    session.show({
      schema: wire.RevokeAgentResponseSchema,
      message: answer,
      names: [name],
      text: () => [
        `agent of ${id} cut off (certificates revoked: ${answer.revokedCertificates}, tokens voided: ${answer.voidedTokens})`,
        `"berth cluster token ${id}" makes a token for a new one; what the cluster runs is left as it is`,
      ],
    });
    return undefined;
  });
}

function addRemoval(cluster: Command, shell: Shell): void {
  const remove = cluster
    .command('remove')
    .argument('<name>')
    .option('-y, --yes', 'do not ask')
    .description('Retire a cluster that holds nothing; its agent’s certificates are revoked.');
  shell.on<{ yes?: boolean }>(remove, async (session, [id = ''], { yes }) => {
    const name = session.names.cluster(id);
    await confirm(session, `remove cluster ${id}`, yes);
    const operation = await session.clusters.removeCluster({ name });
    session.show({
      schema: wire.OperationSchema,
      message: operation,
      names: [operation.name],
      text: () => [
        `cluster ${id} ${operation.done ? 'removed' : `is being removed (operation ${idOf(operation.name)})`}`,
      ],
    });
    return undefined;
  });
}
