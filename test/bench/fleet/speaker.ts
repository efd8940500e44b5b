import { subscribe } from 'node:diagnostics_channel';
import { setMaxListeners } from 'node:events';
import { Socket } from 'node:net';
import type { Chance } from '#domain';
import { serveCommands } from '../gateway/child.js';
import { FleetAgent, type Tally } from './agent.js';
import type { SaturatedOrder, SpeakerCommands, SpeakerStart, SteadyOrder } from './messages.js';

/** A process with many agents: `node speaker.js`, told by messages what to do. */

const tally: Tally = {
  inStep: 0,
  lastInStepAt: 0,
  lost: 0,
  failed: {},
  reportsStored: 0,
  rowsStored: 0,
  heartbeats: 0,
};
const agents: FleetAgent[] = [];
const stopping = new AbortController();
setMaxListeners(0, stopping.signal);
let site: (SpeakerStart & { chance: Chance }) | undefined;
let changesInventory = false;

const sockets = new Set<Socket>();
let bytesOfClosed = 0;
const bytesOf = (socket: Socket): number => socket.bytesRead + socket.bytesWritten;
subscribe('net.client.socket', (message) => {
  const socket = typeof message === 'object' && message !== null && 'socket' in message ? message.socket : undefined;
  if (!(socket instanceof Socket)) return;
  sockets.add(socket);
  socket.once('close', () => {
    sockets.delete(socket);
    bytesOfClosed += bytesOf(socket);
  });
});

/** Park and Miller's generator: the same agents do the same in every run. */
function chanceOf(seed: number): Chance {
  let state = (seed % 2_147_483_646) + 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

const started = () => {
  if (site === undefined) throw new Error('"start" comes first');
  return site;
};

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Works chosen at random, evenly over the time; each change is a report of its own. */
async function steady({ seconds, changesPerAgent }: SteadyOrder): Promise<number[]> {
  const { chance } = started();
  const lagsMs: number[] = [];
  const rate = (agents.length * changesPerAgent) / 1000;
  const from = performance.now();
  const until = from + seconds * 1000;
  let sent = 0;
  let open = 0;
  for (let now = from; now < until; now = performance.now()) {
    for (; sent < (now - from) * rate; sent++) {
      const agent = agents[Math.floor(chance() * agents.length)];
      const writing = agent?.report([Math.floor(chance() * 1e6)], (lagMs) => {
        open -= 1;
        if (lagMs !== undefined) lagsMs.push(lagMs);
      });
      if (writing === undefined) continue;
      open += 1;
      writing.catch(() => undefined); // the agent comes back, and counts it as lost
    }
    await pause(5);
  }
  for (const deadline = performance.now() + 60_000; open > 0 && performance.now() < deadline; ) await pause(5);
  if (open > 0) throw new Error(`${open} reports were never acknowledged`);
  return lagsMs;
}

/** Every agent keeps its window full; its works take turns, so that no report is overtaken by another of the same work. */
async function saturate({ seconds, worksPerReport, window }: SaturatedOrder): Promise<void> {
  const until = performance.now() + seconds * 1000;
  const keepFull = (agent: FleetAgent): void => {
    let place = 0;
    const next = (): void => {
      if (performance.now() >= until || stopping.signal.aborted) return;
      const places = Array.from({ length: worksPerReport }, (_, index) => place + index);
      place += worksPerReport;
      agent.report(places, next)?.catch(() => undefined); // as above
    };
    for (let index = 0; index < window; index++) next();
  };
  for (const agent of agents) keepFull(agent);
  await pause(until - performance.now());
}

serveCommands<SpeakerCommands>(
  {
    start: async (ask) => {
      site = { ...ask, chance: chanceOf(ask.seed) };
      return null;
    },
    add: async ({ agents: specs }) => {
      const { hub, authority, chance } = started();
      for (const { cluster, certificate, privateKey } of specs) {
        const tls = { authority, certificate, privateKey };
        const agent = new FleetAgent({ cluster, hub, tls, tally, chance, signal: stopping.signal });
        agent.changeInventory(changesInventory);
        agents.push(agent);
        void agent.run();
      }
      return null;
    },
    counts: async () => {
      const { user, system } = process.cpuUsage();
      return {
        ...tally,
        agents: agents.length,
        worksHeld: agents.reduce((sum, agent) => sum + agent.worksHeld, 0),
        wireBytes: [...sockets].reduce((sum, socket) => sum + bytesOf(socket), bytesOfClosed),
        cpuMicros: user + system,
      };
    },
    inventory: async ({ changes }) => {
      changesInventory = changes;
      for (const agent of agents) agent.changeInventory(changes);
      return null;
    },
    steady: async (ask) => ({ lagsMs: await steady(ask) }),
    saturate: async (ask) => {
      await saturate(ask);
      return null;
    },
  },
  async () => stopping.abort(),
);
