import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubeClient } from '#kube';
import { startTestDatabase, type TestDatabase } from '../../libs/store/testing/database.js';
import { fleetReady } from '../e2e/station.js';
import { kubebuilderAssets } from '../kubernetes/assets.js';
import { pause } from '../kubernetes/process.js';
import { seeded, seedOfRun } from '../seed.js';
import { allFaults, type Fault } from './faults.js';
import { Load } from './load.js';
import { type FaultyMembers, startHollowMembers, startRealMembers } from './members.js';
import { type BerthProcesses, startBerthProcesses } from './processes.js';
import { Stranger } from './stranger.js';
import { broken, discords, keepTombstones, lookIn, unorderedDeletes } from './truth.js';

/** How often something goes wrong in a run; `npm run test:long` has it go wrong oftener. */
const rounds = Number(process.env.BERTH_FAULT_ROUNDS ?? 6);
const healedWithinMs = 120_000;
const names = ['one', 'two'];

function describeFaults(flavour: string, start: () => Promise<FaultyMembers>): void {
  describe(`faults of everything, at random, under load [${flavour}]`, () => {
    const seed = seedOfRun();
    const chance = seeded(seed);
    let database: TestDatabase;
    let fleet: FaultyMembers;
    let berth: BerthProcesses;
    let clients: KubeClient[];
    let tombstonesEver: () => Promise<ReadonlySet<string>>;
    const strangers: Stranger[] = [];

    beforeAll(async () => {
      database = await startTestDatabase();
      fleet = await start();
      berth = await startBerthProcesses(database, fleet.members);
      tombstonesEver = await keepTombstones(database);
      clients = await Promise.all(fleet.members.map(lookIn));
      for (const member of fleet.members)
        strangers.push(await Stranger.in(member, seeded(seed + strangers.length + 1)));
      await fleetReady({ clusters: berth.clusters, members: names });
    });
    afterAll(async () => {
      await berth?.close();
      await Promise.all([...(clients ?? []), ...strangers.map(({ client }) => client)].map((client) => client.close()));
      await fleet?.close();
      await database?.close();
    });

    it('once healed every member holds exactly what Postgres says, and nothing was deleted unordered', async () => {
      const load = new Load(berth, seeded(seed + 100));
      const life = new AbortController();
      const running = [load, ...strangers].map((each) => each.run(life.signal));
      const happened: string[] = [];
      try {
        const faults = allFaults(berth, fleet);
        for (let round = 0; round < rounds; round += 1) happened.push(await oneRound(faults, chance));
      } finally {
        life.abort();
        await Promise.all(running);
      }
      const healed = performance.now();
      const told = `BERTH_SEED=${seed}: ${happened.join('; ')}`;
      const found = await atRest(async () => [
        ...(await broken(database, load.ordered)),
        ...(await Promise.all(fleet.members.map((member, i) => discordsOf(member, clients[i])))).flat(),
      ]);
      expect(found, told).toEqual([]);
      const { lines, deletes } = await unorderedDeletes(fleet.members, await tombstonesEver());
      expect(lines, told).toEqual([]);
      expect(deletes, 'nothing was deleted at all').toBeGreaterThan(0);
      for (const stranger of strangers) expect(await robbed(stranger), told).toEqual([]);
      console.info(
        `${told}\n[${flavour}] ${JSON.stringify(load.counts)}, strangers ${JSON.stringify(strangers.map((each) => each.counts))}, ` +
          `${deletes} deletes by agents, at rest after ${Math.round(performance.now() - healed)} ms`,
      );
    }, 3_600_000);

    const discordsOf = (member: FaultyMembers['members'][number], client: KubeClient | undefined) =>
      client === undefined ? [] : discords(database, member, client);
  });
}

/** One or two things go wrong in different places, for a while. */
async function oneRound(faults: readonly Fault[], chance: () => number): Promise<string> {
  const first = drawn(faults, chance);
  const second = chance() < 0.5 ? drawn(faults, chance) : first;
  const chosen = second.place === first.place ? [first] : [first, second];
  const heals = await Promise.all(chosen.map((fault) => fault.begin(chance)));
  const lastsMs = Math.round(200 + chance() * chance() * 5_000);
  await pause(lastsMs);
  await Promise.all(heals.map((heal) => heal()));
  await pause(chance() * 1_500);
  return `${chosen.map(({ name }) => name).join(' and ')} for ${lastsMs} ms`;
}

function drawn(faults: readonly Fault[], chance: () => number): Fault {
  const fault = faults[Math.floor(chance() * faults.length)];
  if (fault === undefined) throw new Error('nothing can go wrong here');
  return fault;
}

/** Looks until nothing is left to find; at the deadline, what was found last. */
async function atRest(look: () => Promise<string[]>): Promise<string[]> {
  const deadline = Date.now() + healedWithinMs;
  for (;;) {
    const found = await look();
    if (found.length === 0 || Date.now() > deadline) return found;
    await pause(500);
  }
}

/** What a stranger had and has no more, or not as he left it. */
async function robbed({ own, client, member }: Stranger): Promise<string[]> {
  const lines: string[] = [];
  for (const [key, content] of own) {
    const [namespace = '', name = ''] = key.split('/');
    const { data } = await client.get({ apiVersion: 'v1', kind: 'ConfigMap', namespace, name });
    if (JSON.stringify(data) !== JSON.stringify({ content }))
      lines.push(`${member.name}: ${key} is ${JSON.stringify(data)}`);
  }
  return lines;
}

describeFaults('hollow', () => startHollowMembers(names));
const assets = kubebuilderAssets();
if (assets !== undefined) describeFaults('kube-apiserver', () => startRealMembers(assets, names));
else it.skip('faults of everything, at random, under load [kube-apiserver]');
