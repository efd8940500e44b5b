import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { wire } from '#contract';
import type { HollowCluster } from '#hollow';
import { openChannel, type RpcChannel, type Running } from '#platform';
import { type LocalBerth, startLocalBerth } from './berth.js';
import { demoFleet, startMember } from './fleet.js';
import { everythingHeld, heldTable } from './members.js';
import { usualPorts } from './ports.js';
import { colour, type Output, openScreen, type Screen } from './screen.js';
import { deploy, type People, takeAway, watchFleet } from './story.js';

export interface DemoOptions {
  /** Deploy, print what the members hold, delete, check that it is gone, end. */
  once: boolean;
  output: Output;
  /** The project's folder, where `examples/` is. */
  root: string;
  /** Longest that any step may take, milliseconds. */
  patienceMs: number;
}

interface Stage {
  berth: LocalBerth;
  members: readonly HollowCluster[];
  people: People;
  screen: Screen;
  close(): Promise<void>;
}

/** Runs the demo up to the point where it waits for Ctrl-C. */
export async function startDemo(options: DemoOptions): Promise<Running> {
  const stage = await setStage(options);
  const signal = AbortSignal.timeout(options.patienceMs);
  try {
    await deploy(stage.people, await exampleFile(options), stage.screen, signal);
  } catch (error) {
    await stage.close();
    throw error;
  }
  const kubeconfigs = await writeKubeconfigs(stage.members);
  for (const line of howToGoOn(stage.berth, kubeconfigs)) stage.screen.say(line);
  return {
    close: async () => {
      await stage.close();
      await rm(kubeconfigs, { recursive: true, force: true });
      stage.screen.say('stopped; nothing is left');
    },
  };
}

/** Deploys, shows what the members hold, deletes, looks whether it is gone. Returns the exit code. */
export async function runOnce(options: DemoOptions): Promise<number> {
  const stage = await setStage(options);
  const { people, screen, members } = stage;
  try {
    const name = await deploy(people, await exampleFile(options), screen, AbortSignal.timeout(options.patienceMs));
    const held = await everythingHeld(members);
    screen.say('\nWhat the members hold, as they give it:');
    for (const line of heldTable(held)) screen.say(line);
    screen.say('\nDeleting it …');
    await takeAway(people, name, screen, AbortSignal.timeout(options.patienceMs));
    const left = await everythingHeld(members);
    for (const line of heldTable(left)) screen.say(line);
    screen.say(
      left.length === 0
        ? `${colour.green('✔')} everything became ready, and is gone from every member`
        : `${left.length} objects are left`,
    );
    return held.length > 0 && left.length === 0 ? 0 : 1;
  } finally {
    await stage.close();
  }
}

async function setStage(options: DemoOptions): Promise<Stage> {
  const screen = openScreen(options.output);
  screen.say(colour.bold('Berth: many Kubernetes clusters as one container service'));
  const berth = await startLocalBerth({
    ports: usualPorts,
    progress: (line) => screen.say(`${colour.green('✔')} ${line}`),
  });
  const channels: RpcChannel[] = [];
  const members: HollowCluster[] = [];
  const close = async () => {
    for (const channel of channels) channel.close();
    await berth.close();
    await Promise.all(members.map((member) => member.close()));
  };
  try {
    members.push(...(await Promise.all(demoFleet.map(startMember))));
    await Promise.all(
      demoFleet.map((member, index) => berth.join({ ...member, kubeconfig: members[index]?.kubeconfig ?? '' })),
    );
    const people = peopleOf(berth, channels);
    screen.say(`${colour.green('✔')} three hollow clusters, registered, their agents enrolled over mTLS`);
    screen.say('\nThe fleet, as its agents report it:');
    await watchFleet(people, demoFleet.length, screen, AbortSignal.timeout(options.patienceMs));
    screen.say('\nApplying examples/harbour-shop/app.yaml. Where each part goes, and why:');
    return { berth, members, people, screen, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The operator and the tenant, each with a key and a connection of their own. */
function peopleOf(berth: LocalBerth, channels: RpcChannel[]): People {
  const as = (key: string) => {
    const channel = openChannel({
      address: berth.gateway.address,
      metadata: () => ({ authorization: `Bearer ${key}` }),
    });
    channels.push(channel);
    return channel;
  };
  const tenant = as(berth.keys.owner);
  return {
    operator: { clusters: as(berth.keys.operator).client(wire.ClusterService) },
    tenant: { applications: tenant.client(wire.ApplicationService), operations: tenant.client(wire.OperationService) },
  };
}

const exampleFile = ({ root }: DemoOptions) => readFile(join(root, 'examples/harbour-shop/app.yaml'), 'utf8');

/** One file for each member, `NAME.kubeconfig`, for its owner alone; answers their folder. */
async function writeKubeconfigs(members: readonly HollowCluster[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'berth-demo-'));
  for (const { name, kubeconfig } of members)
    await writeFile(join(folder, `${name}.kubeconfig`), kubeconfig, { mode: 0o600 });
  return folder;
}

function howToGoOn({ gateway, hub, keys }: LocalBerth, kubeconfigs: string): string[] {
  const server = `BERTH_SERVER=${gateway.address}`;
  return [
    '',
    `${colour.green('✔')} ready. It stays until Ctrl-C; then nothing is left behind.`,
    '',
    `  gRPC   ${gateway.address}   JSON  http://${gateway.httpAddress}   agents  ${hub.address}`,
    '',
    '  In another terminal, in this folder:',
    '',
    `    export ${server} BERTH_API_KEY=${keys.owner} BERTH_JSON=http://${gateway.httpAddress}`,
    '    npx berth get',
    '    npx berth explain harbour-shop',
    '    npx berth apply -f examples/manifests/guestbook.yaml && npx berth watch guestbook',
    '',
    '  As the operator, in a third one:',
    '',
    `    export ${server} BERTH_API_KEY=${keys.operator}`,
    '    npx berth clusters',
    '',
    '  What a member holds, with kubectl:',
    '',
    `    kubectl --kubeconfig ${join(kubeconfigs, 'frankfurt.kubeconfig')} get deployments,pods -A   (as well: virginia, mumbai)`,
  ];
}
