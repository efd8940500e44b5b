import { setMaxListeners } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { toBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { line } from '#contract';
import type { Inventory, Reflection } from '#domain';
import type { MemberCluster, Timing } from '#kube';
import { silentLogger } from '#platform/light';
import { Pulse } from './pulse.js';

const intervalMs = 3_000;
const room = { mcpu: 8_000, memoryBytes: 2 ** 34, pods: 220 };
const first: Omit<Inventory, 'reflected'> = {
  ...{ serverVersion: 'v1.36.0', nodes: 2, readyNodes: 2, allocatable: room, foreignRequests: room },
  berthRequests: { mcpu: 0, memoryBytes: 0, pods: 0 },
  classes: [{ nodes: 2, free: room, architecture: 'amd64', taints: [] }],
  measured: { mcpu: 1_234, memoryBytes: 123_456_789 },
  kinds: Array.from({ length: 60 }, (_, n) => `apps/v1/Kind${n}`),
  schemaDigest: 'a'.repeat(32),
  storageClasses: [],
};

/** A pulse on time that a test moves: `beats` runs so many intervals and answers what was said meanwhile. */
function aPulse(options: { takesChanges?: boolean; isCaughtUp?: () => boolean } = {}) {
  const said: line.Heartbeat[] = [];
  const state = {
    handedBack: { mcpu: 0, memoryBytes: 0, pods: 0 },
    inventory: first,
    reflection: { upTo: 7n, except: [] } as Reflection,
    now: 1_000_000,
  };
  const sleepers = new Set<{ until: number; wake: () => void }>();
  const timing: Timing = {
    clock: { now: () => state.now },
    chance: () => 0.5,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        sleepers.add({ until: state.now + ms, wake: resolve });
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      }),
  };
  // of a member, a pulse asks no more than this
  const member = { inventory: async () => state.inventory, clusterUid: async () => 'uid' } as Partial<MemberCluster>;
  const life = new AbortController();
  setMaxListeners(0, life.signal); // one for each sleep
  const pulse = new Pulse(
    { member: member as MemberCluster, timing, log: silentLogger(), signal: life.signal },
    {
      appliedUpTo: 7n,
      reflection: (most) => (most === 0 ? { upTo: 3n, except: [] } : state.reflection),
    },
    async (message) => void (message.case === 'heartbeat' && said.push(message.value)),
    {
      intervalMs,
      takesChanges: options.takesChanges ?? true,
      labelKeys: [],
      isCaughtUp: options.isCaughtUp ?? (() => true),
      handedBack: () => state.handedBack,
    },
  );
  const settle = async () => {
    for (let turn = 0; turn < 5; turn += 1) await setImmediate();
  };
  const pass = async (ms: number): Promise<line.Heartbeat[]> => {
    const until = state.now + ms;
    for (; state.now < until; state.now += 100) {
      for (const each of [...sleepers].filter((sleeper) => sleeper.until <= state.now + 100)) {
        sleepers.delete(each);
        each.wake();
      }
      await settle();
    }
    return said.splice(0);
  };
  const running = pulse.run(life.signal);
  const end = async () => {
    life.abort();
    await running;
  };
  return { pulse, state, pass, settle, end };
}

const sizeOf = (beat: line.Heartbeat): number => toBinary(line.HeartbeatSchema, beat).length;

describe('heartbeats', () => {
  it('bring the inventory once, then only what has changed', async () => {
    const { state, pass, settle, end } = aPulse();
    await settle();
    const begun = await pass(intervalMs);
    expect(begun.filter(({ inventory }) => inventory !== undefined)).toHaveLength(1);
    state.inventory = { ...first, nodes: 3, measured: undefined };
    state.reflection = { upTo: 9n, except: [{ workId: '00000000-0000-4000-8000-000000000001', after: 4n }] };
    const changes = (await pass(2 * intervalMs)).filter((beat) => beat.inventoryDelta !== undefined);
    expect(changes).toHaveLength(1);
    expect(changes[0]?.inventory).toBeUndefined();
    expect(changes[0]?.inventoryDelta).toMatchObject({ nodes: 3, reflectedWorkSequence: 9n, measured: {} });
    expect(changes[0]?.inventoryDelta?.kinds).toBeUndefined();
    expect(changes[0]?.inventoryDelta?.unreflectedWorks?.works).toHaveLength(1);
    await end();
  });

  it('are small while nothing changes, and renew the measure before it counts as old', async () => {
    const { pass, settle, end } = aPulse();
    await settle();
    await pass(2 * intervalMs);
    const minute = await pass(60_000);
    const idle = minute.filter((beat) => beat.inventoryDelta === undefined);
    expect(Math.max(...idle.map(sizeOf))).toBeLessThanOrEqual(40);
    expect(minute.filter((beat) => beat.inventoryDelta?.measured?.amounts !== undefined).length).toBeGreaterThan(0);
    const bytes = minute.reduce((sum, beat) => sum + sizeOf(beat), 0);
    console.info(`idle: ${minute.length} heartbeats a minute, ${bytes} bytes without framing`);
    await end();
  });

  it('bring all of it again when the hub asks', async () => {
    const { pulse, pass, settle, end } = aPulse();
    await settle();
    await pass(2 * intervalMs);
    pulse.repeat();
    expect((await pass(intervalMs)).some(({ inventory }) => inventory !== undefined)).toBe(true);
    await end();
  });

  it('name no works to a hub that does not read them, and stay behind the first that is not there', async () => {
    const { state, pass, settle, end } = aPulse({ takesChanges: false });
    await settle();
    await pass(intervalMs);
    state.inventory = { ...first, nodes: 3 };
    const said = (await pass(2 * intervalMs)).filter(({ inventory }) => inventory !== undefined);
    expect(said).toHaveLength(1);
    expect(said[0]?.inventoryDelta).toBeUndefined();
    expect(said[0]?.inventory).toMatchObject({ nodes: 3, reflectedWorkSequence: 3n, unreflectedWorks: [] });
    await end();
  });

  it('hold the inventory back until it is known whose pods it shows, and not for ever', async () => {
    let isCaughtUp = false;
    const quick = aPulse({ isCaughtUp: () => isCaughtUp });
    await quick.settle();
    expect((await quick.pass(2 * intervalMs)).every(({ inventory }) => inventory === undefined)).toBe(true);
    isCaughtUp = true;
    expect((await quick.pass(intervalMs)).filter(({ inventory }) => inventory !== undefined)).toHaveLength(1);
    await quick.end();
    const stuck = aPulse({ isCaughtUp: () => false });
    await stuck.settle();
    expect((await stuck.pass(20_000)).filter(({ inventory }) => inventory !== undefined)).toHaveLength(1);
    await stuck.end();
  });
});
