import { create } from '@bufbuild/protobuf';
import { line, statusReportToWire } from '#contract';
import { noFindings, type WorkStatus } from '#domain';
import { wantedObjects } from '../../apps/agent/work/plan.js';
import { generationOf, isOwned, keyOf, type MemberModel, type MemberObject, workOf } from './member-model.js';
import { Life } from './virtual-time.js';
import { clusters, type World } from './world.js';

type Fault = (world: World) => void;

const someCluster = ({ random }: World): string => random.pick(clusters) ?? '';

/** Ends it and starts it again a while later, unless everything has been healed meanwhile. */
function outage(world: World, begin: () => void, end: () => void, most: number): void {
  begin();
  world.time.after(world.random.delay(200, most), end);
}

const replaceAgent: Fault = (world) => {
  const { random, time } = world;
  const agent = random.pick(world.living());
  if (agent === undefined) return;
  const { cluster } = agent.around.member;
  const isKill = random.happens(0.6);
  world.note(cluster, isKill ? 'its agent is killed' : 'its agent is stopped');
  if (isKill) agent.life.kill();
  else agent.stop();
  // sometimes for so long that nothing is known of the cluster any more
  time.after(random.happens(0.15) ? 70_000 : random.delay(50, 12_000), () => {
    if (!world.isHealed || world.living(cluster).length === 0) world.startAgent(cluster);
  });
};

const secondAgent: Fault = (world) => {
  const cluster = someCluster(world);
  if (world.living(cluster).length === 1) world.startAgent(cluster);
};

const replaceHub: Fault = (world) => {
  const hub = world.random.pick([...world.hubs.values()].filter(({ isServing }) => isServing));
  if (hub === undefined) return;
  const isKill = world.random.happens(0.6);
  const end = () => {
    if (isKill) hub.life.kill();
    else void hub.stop();
  };
  world.note(hub.name, isKill ? 'is killed' : 'is stopped');
  outage(world, end, () => world.startHub(hub.name), 10_000);
};

const hurtCall: Fault = (world) => {
  const call = world.random.pick([...world.calls].filter(({ isOver }) => !isOver));
  if (call === undefined) return;
  const how = world.random.pick(['cut', 'freeze', 'slow'] as const);
  world.note('network', `${how} a call`);
  if (how === 'cut') call.cut();
  else if (how === 'freeze') call.freeze();
  else
    outage(
      world,
      () => {
        call.readPauseMs = world.random.between(50, 900);
      },
      () => {
        call.readPauseMs = 0;
      },
      15_000,
    );
};

const storeOutage: Fault = (world) => {
  world.note('store', 'does not answer');
  const set = (isDown: boolean) => () => {
    world.isStoreDown = isDown;
  };
  outage(world, set(true), set(false), 25_000);
};

const memberOutage: Fault = (world) => {
  const member = world.members.get(someCluster(world));
  if (member === undefined) return;
  world.note(member.cluster, 'its API server does not answer');
  const set = (isDown: boolean) => () => {
    member.isDown = isDown;
  };
  outage(world, set(true), set(false), 40_000);
};

const clockJump: Fault = (world) => {
  const agent = world.random.pick(world.living());
  if (agent === undefined) return;
  agent.skewMs = world.random.pick([-600_000, 600_000, 0]) ?? 0;
  world.note(agent.around.member.cluster, `the agent's clock is ${agent.skewMs / 1000} s off`);
};

/** Somebody else works in the cluster, too. */
const foreignHand: Fault = (world) => {
  const member = world.members.get(someCluster(world));
  const owned = [...(member?.objects.values() ?? [])].filter((each) => isOwned(each) && each.kind !== 'Namespace');
  const object = world.random.pick(owned);
  if (member === undefined || object === undefined) return;
  const deeds: Readonly<Record<string, (of: MemberObject) => void>> = {
    deletes: (of) => member.delete(of, 'somebody'),
    'takes the annotations off': (of) => member.touch(of, { annotations: {} }),
    touches: (of) => member.touch(of, { annotations: { ...of.annotations, touched: `${world.time.now()}` } }),
    'puts something beside': ({ namespace }) => {
      if (member.objects.get(`v1/Namespace//${namespace}`)?.deleting !== false) return;
      const ref = { apiVersion: 'v1', kind: 'Secret', namespace, name: `own-${world.random.between(0, 3)}` };
      member.apply(ref, { ...ref }, { labels: {}, annotations: {} });
    },
  };
  const deed = world.random.pick(Object.keys(deeds)) ?? '';
  world.note(member.cluster, `somebody ${deed} ${object.kind} ${object.name}`);
  deeds[deed]?.(object);
};

/** Speaks with the certificate of one cluster of what is another's. */
const impostor: Fault = (world) => {
  const { random, store, time } = world;
  const own = someCluster(world);
  const others = [...store.works.values()].filter(({ cluster }) => cluster !== own);
  const orders = [...store.tombstones.values()].filter(({ cluster, confirmed }) => cluster !== own && !confirmed);
  world.note(own, 'somebody with its certificate speaks of others');
  const life = new Life();
  const { stream } = world.dial({ cluster: own, serial: `serial-${own}` }, life);
  const report = statusReportToWire({
    ...{ sequence: 1n, bracket: 'delta' },
    works: others.slice(0, 3).map(({ id, generation }) => lie(id, generation)),
    tombstones: orders.slice(0, 3).map(({ id }) => ({ tombstoneId: id, outcome: 'deleted', message: '' })),
  });
  const said: line.ConnectRequest['message'][] = [
    { case: 'hello', value: create(line.HelloSchema, {}) },
    { case: 'statusReport', value: create(line.StatusReportSchema, report) },
  ];
  for (const message of said) void stream.write({ message }).catch(() => undefined); // refused, as it should be
  time.after(random.between(100, 3_000), () => life.kill());
};

const lie = (workId: string, generation: bigint): WorkStatus => ({
  ...{ workId, generation, phase: 'ready', reasons: [], objects: [], findings: noFindings },
  replicas: { desired: 1, updated: 1, ready: 1, unavailable: 0, restarts: 0 },
});

const change: Fault = (world) => world.note('scheduler', world.scheduler.change());

/** What may happen, as often as it stands here. */
const all: readonly Fault[] = [
  ...Array.from({ length: 14 }, () => change),
  ...[foreignHand, foreignHand, foreignHand, foreignHand],
  ...[replaceAgent, replaceAgent, replaceHub, hurtCall, hurtCall],
  ...[secondAgent, storeOutage, memberOutage, clockJump, impostor],
];

/**
 * No sooner is a change there than what an agent before this one sent arrives, too: between order and apply, between the
 * apply and its answer, between what the watch shows and what is told of it.
 */
function sendLateRequests(world: World, member: MemberModel): void {
  const { random, time, scheduler, faults } = world;
  member.follow(({ kind, object }) => {
    if (kind === 'gone' || faults.lateRequests === 0 || !random.happens(faults.lateRequests)) return;
    const older = scheduler.history.get(workOf(object))?.filter(({ generation }) => generation < generationOf(object));
    const wanted = older?.flatMap(wantedObjects).filter(({ ref }) => keyOf(ref) === keyOf(object));
    const late = random.pick(wanted ?? []);
    if (late === undefined) return;
    time.after(random.delay(1, 2_000), () => {
      const there = member.objects.get(keyOf(object));
      if (there?.uid !== object.uid || there.deleting || !isOwned(there)) return;
      const { labels = {}, annotations = {} } = late.stamp;
      member.apply(late.ref, late.manifest, { labels, annotations });
      world.lateRequests += 1;
      world.note(member.cluster, `a late request brings ${object.kind} ${object.name} back`);
    });
  });
}

/** Faults and changes at random from now on, until told otherwise. */
export function raiseTrouble(world: World, isOver: () => boolean): void {
  const { time, random, faults } = world;
  faults.store = random.pick([0, 0.01, 0.05]) ?? 0;
  faults.lostAnswers = random.pick([0, 0.02, 0.1]) ?? 0;
  faults.slowAnswers = random.pick([0, 0.05, 0.2]) ?? 0;
  faults.lateRequests = random.pick([0, 0.1, 0.3]) ?? 0;
  for (const member of world.members.values()) sendLateRequests(world, member);
  const next = (): void => {
    if (isOver()) return;
    random.pick(all)?.(world);
    time.after(random.between(20, 2_500), next);
  };
  time.after(500, next);
}

/** What a later change would have hidden stays to be seen, when it goes wrong shortly before everything is healed. */
export function crowd({ faults, random }: World): void {
  if (random.happens(0.5)) Object.assign(faults, { slowAnswers: 0.5, lateRequests: 0.5 });
}

/** Everything works again: one agent beside each member, every hub, no faults. What was set in motion ends by itself. */
export function heal(world: World): void {
  world.note('world', 'is healed');
  Object.assign(world.faults, { store: 0, lostAnswers: 0, slowAnswers: 0, lateRequests: 0 });
  world.isStoreDown = false;
  world.isHealed = true;
  for (const member of world.members.values()) member.isDown = false;
  for (const call of world.calls) call.readPauseMs = 0;
  for (const name of world.hubs.keys()) world.startHub(name);
  for (const cluster of clusters) {
    const [first, ...others] = world.living(cluster);
    for (const other of others) other.life.kill();
    if (first === undefined) world.startAgent(cluster);
  }
}
