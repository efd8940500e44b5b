import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { line } from '#contract';
import { systemClock } from '#domain';
import { newKey } from '../../apps/agent/identity/identity.js';
import type { AgentIdentity } from '../../apps/agent/index.js';
import { backoffMs, lostLine } from '../../apps/agent/seams.js';
import { Authority } from '../../apps/hub/authority/authority.js';
import { type BuiltApps, buildApps } from '../start/built.js';
import { configMap, eventually, type LineHarness, startLineHarness } from './harness.js';
import { RawAgent, readyStatus, reportOf } from './raw-agent.js';

/** So many in `npm test`; `BERTH_RESUME_AGENTS` sets another number. All are in this process: it is no measure of the hub. */
const agents = Number(process.env.BERTH_RESUME_AGENTS ?? 100);

/** An agent with one work, as light as can be: comes back by itself, and tells when its report is acknowledged. */
class LightAgent {
  readonly welcomed: number[] = [];
  readonly inStep: number[] = [];
  #isOver = false;
  #running: Promise<void> | undefined;
  #agent: RawAgent | undefined;

  constructor(
    private readonly address: string,
    private readonly identity: AgentIdentity,
    private readonly work: { id: string; sequence: bigint },
  ) {}

  start(): void {
    this.#running = this.#live();
  }

  async close(): Promise<void> {
    this.#isOver = true;
    await this.#agent?.close();
    await this.#running;
  }

  async #live(): Promise<void> {
    for (let failures = 0; !this.#isOver; ) {
      const before = this.inStep.length;
      await this.#converse();
      failures = this.inStep.length > before ? 1 : failures + 1;
      await new Promise((resolve) => setTimeout(resolve, backoffMs(failures, lostLine, Math.random)));
    }
  }

  async #converse(): Promise<void> {
    const { authority, certificate, privateKey } = this.identity;
    const agent = new RawAgent({ hub: () => ({ address: this.address }) }, { authority, certificate, privateKey });
    this.#agent = agent;
    try {
      const resume =
        this.#incarnation === undefined
          ? {}
          : { resumeFrom: { incarnation: this.#incarnation, sequence: this.work.sequence } };
      await agent.say({ case: 'hello', value: { agentVersion: 'light', ...resume } });
      const welcome = await agent.hear('welcome', 15_000);
      this.welcomed.push(Date.now());
      expect(welcome.fromBeginning).toBe(this.#incarnation === undefined);
      this.#incarnation = welcome.incarnation;
      await agent.say(reportOf(1n, [readyStatus(this.work.id)], line.Bracket.WHOLE));
      await agent.hear('statusAck', 15_000);
      this.inStep.push(Date.now());
      await agent.end();
    } catch {
      // the hub is away; tried again
    } finally {
      await agent.close();
    }
  }

  #incarnation: string | undefined;
}

let harness: LineHarness;
let fleet: LightAgent[];
let apps: BuiltApps;
let hub: ChildProcess;
let address: string;

/** A hub as a process of its own, at the address that agents know; resolves when it listens. */
async function startHubProcess(): Promise<ChildProcess> {
  const child = spawn(process.execPath, [apps.mainOf('hub')], {
    env: {
      PATH: process.env.PATH,
      BERTH_DATABASE_URL: harness.database.urlFor('berth_hub'),
      BERTH_HUB_ADDRESS: address,
      BERTH_HUB_DIRECTORY: harness.directory,
      BERTH_LEASE_TTL_MS: '60000',
      BERTH_HEARTBEAT_INTERVAL_MS: '20000',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise<void>((resolve, reject) => {
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (said.length < 10_000) said += text;
      if (said.includes('"listening"')) resolve();
    });
    child.once('exit', () => reject(new Error(`the hub ended: ${said}`)));
  });
  return child;
}
beforeAll(async () => {
  apps = await buildApps();
  harness = await startLineHarness(); // makes the authority; then the hub is a process of its own
  address = harness.hub().address;
  await harness.stopHub();
  hub = await startHubProcess();
  const ids = { secret: (bytes: number) => randomBytes(bytes) };
  const { directory } = harness;
  const authority = await Authority.open({ directory, clock: systemClock, ids, lifetimeMs: 86_400_000 });
  fleet = [];
  for (let n = 0; n < agents; n++) {
    const cluster = `c${n}`;
    await harness.register(cluster, { fingerprint: '0'.repeat(64) });
    const { privateKey, request } = await newKey();
    const { chain: certificate } = await authority.issueForAgent(request, cluster);
    const work = await harness.putWork({ cluster, component: 'c', manifests: () => [configMap('c', {})] });
    fleet.push(new LightAgent(address, { privateKey, certificate, authority: authority.certificate, cluster }, work));
  }
}, 300_000);
afterAll(async () => {
  await Promise.all((fleet ?? []).map((agent) => agent.close()));
  hub?.kill('SIGKILL');
  await apps?.close();
  await harness?.close();
});

it('a hub that is killed and started again has every agent in step again, each under one new epoch', async () => {
  for (const agent of fleet) agent.start();
  await eventually(
    async () => fleet.filter(({ inStep }) => inStep.length > 0).length,
    (count) => count === agents,
    120_000,
  );
  hub.kill('SIGKILL');
  await once(hub, 'exit');
  const began = Date.now();
  hub = await startHubProcess();
  const listening = Date.now();
  await eventually(
    async () => fleet.filter(({ inStep }) => (inStep.at(-1) ?? 0) > began).length,
    (count) => count === agents,
    120_000,
  );
  const last = Math.max(...fleet.map(({ inStep }) => inStep.at(-1) ?? 0));
  const perSecond = new Map<number, number>();
  for (const { welcomed } of fleet)
    for (const at of welcomed.filter((each) => each > began)) {
      const second = Math.floor((at - began) / 1000);
      perSecond.set(second, (perSecond.get(second) ?? 0) + 1);
    }
  console.info(
    `${agents} agents in step again ${last - listening} ms after the hub listened; at most ${Math.max(...perSecond.values())} handshakes a second`,
  );
  const rows = await harness.database.query<{ late: string }>(
    `SELECT count(*) FILTER (WHERE a.epoch < 2 OR NOT a.connected OR s.epoch IS DISTINCT FROM a.epoch OR s.phase <> 'ready') AS late
     FROM cluster_agents a LEFT JOIN work_status s USING (cluster_id)`,
  );
  expect(rows).toEqual([{ late: '0' }]);
}, 400_000);
