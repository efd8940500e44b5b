import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ServerCredentials } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import { clockAt, type PluginAnswer } from '#domain';
import { createLogger, silentLogger } from '#platform';
import { aCluster, fleetOf } from '../placement/testing/fleet.fixture.js';
import { createAuthority } from '../platform/testing/certificates.js';
import { PluginHost } from './host.js';
import type { GroupView } from './question.js';
import type { PluginSettings } from './settings.js';
import { type Behaviour, type PluginServer, startPluginServer } from './testing/plugin-server.js';
import { filtering, inWorker, onServer, scoring } from './testing/settings.js';

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const fleet = fleetOf(aCluster('a', { region: 'eu' }), aCluster('b', { region: 'us' }), aCluster('c'));
const perReplica = { mcpu: 500, memoryBytes: 2 ** 20, pods: 1 };
const group = (application: string): GroupView => ({
  ...{ tenant: 'acme', project: 'shop', environment: 'production', application },
  components: [{ name: 'web', kind: 'service', replicas: 2, perReplica, labels: { tier: 'gold' } }],
});

async function host(...settings: PluginSettings[]) {
  const clock = clockAt('2030-01-01T00:00:00Z');
  const outcomes: string[] = [];
  const made = new PluginHost(settings, {
    log: silentLogger(),
    clock,
    observe: ({ outcome }) => outcomes.push(outcome),
  });
  ends.push(() => made.close());
  await made.start();
  const ask = async (...applications: string[]): Promise<PluginAnswer[]> =>
    (await made.consult(applications.map(group), fleet)).flatMap(({ answers }) => answers);
  return { host: made, clock, outcomes, ask };
}

async function server(behave: Behaviour, address?: string, credentials?: ServerCredentials): Promise<PluginServer> {
  const started = await startPluginServer(behave, address, credentials);
  ends.push(() => started.close());
  return started;
}

const plain = (answers: readonly PluginAnswer[]) =>
  answers.map(({ verdicts, scores, ...rest }) => ({
    ...rest,
    verdicts: verdicts && Array.from(verdicts),
    scores: scores && Array.from(scores),
  }));
const why = (answers: readonly PluginAnswer[]) => answers.map(({ failure }) => failure);

const judging = `
  export const version = '1.2.0';
  export const filter = (group, clusters) => clusters.map(({ region }) => region === 'us' ? 'not for ' + group.application : true);
  export const score = async (group, clusters, { settings }) => clusters.map((_, at) => at * (settings.step ?? 100));`;
const judgingServer: Behaviour = ({ groups, clusters, settings }) => ({
  version: '1.2.0',
  answers: groups.map(({ application }) => ({
    reasons: [`not for ${application}`],
    verdicts: clusters.map(({ region }) => (region === 'us' ? 1 : 0)),
    scores: clusters.map((_, at) => at * Number(settings?.step ?? 100)),
  })),
});

/** What every plug-in is held to, wherever it runs. */
interface Flavour {
  good(differs?: Partial<PluginSettings>): Promise<PluginSettings>;
  throwing(): Promise<PluginSettings>;
  hanging(): Promise<PluginSettings>;
  /** What the score of `b` is; a string is JavaScript. */
  scoring(score: string): Promise<PluginSettings>;
  short(): Promise<PluginSettings>;
}

const flavours: Record<string, Flavour> = {
  'in a worker': {
    good: (differs) => inWorker(judging, undefined, differs),
    throwing: () => inWorker(`export const score = () => { throw new Error('no prices today'); }`, scoring),
    hanging: () =>
      inWorker(
        `let asked = 0;
         export const score = (group, clusters) => { if (group.application === 'stuck') while (true) asked++; return clusters.map(() => 7); }`,
        scoring,
        { timeoutMs: 800 },
      ),
    scoring: (score) => inWorker(`export const score = () => [1, ${score}, 3]`, scoring),
    short: () => inWorker('export const score = () => [1, 2]', scoring),
  },
  'over gRPC': {
    good: async (differs) => onServer((await server(judgingServer)).address, undefined, differs),
    throwing: async () => onServer((await server(() => Promise.reject(new Error('no prices today')))).address, scoring),
    hanging: async () => {
      const behave: Behaviour = ({ groups }) =>
        groups.some(({ application }) => application === 'stuck')
          ? new Promise(() => undefined)
          : { version: '', answers: groups.map(() => ({ scores: [7, 7, 7] })) };
      return onServer((await server(behave)).address, scoring, { timeoutMs: 800 });
    },
    scoring: async (score) =>
      onServer((await server(() => ({ version: '', answers: [{ scores: [1, Number(score), 3] }] }))).address, scoring),
    short: async () =>
      onServer((await server(() => ({ version: '', answers: [{ scores: [1, 2] }] }))).address, scoring),
  },
};

describe.each(Object.entries(flavours))('a plug-in %s', (where, flavour) => {
  it('is asked once about all groups, and its answers are columns', async () => {
    const { ask, outcomes } = await host(await flavour.good({ settings: { step: 300 } }));
    expect(plain(await ask('shop', 'blog'))).toEqual(
      ['shop', 'blog'].map((application) => ({
        ...{ plugin: 'tried', version: '1.2.0', failure: undefined },
        ...{ reasons: [`not for ${application}`], verdicts: [0, 1, 0], scores: [0, 300, 600] },
      })),
    );
    expect(outcomes).toEqual(['answered']);
  });

  it('that throws is named with what it said', async () => {
    const { ask } = await host(await flavour.throwing());
    const [failure] = why(await ask('shop'));
    expect(failure).toMatch(/no prices today$/);
  });

  it('that hangs is given up when its time is over, and asked again the next time', async () => {
    const { ask, outcomes } = await host(await flavour.hanging());
    expect(why(await ask('stuck'))).toEqual(['timeout after 800 ms']);
    expect(plain(await ask('shop'))).toMatchObject([{ failure: undefined, scores: [7, 7, 7] }]);
    expect(outcomes).toEqual(['failed', 'answered']);
  });

  it.each(['1e9', '1001'])('that gives %s points is named', async (score) => {
    const { ask, outcomes } = await host(await flavour.scoring(score));
    expect(why(await ask('shop'))).toEqual([`gave b the score ${Number(score)}; allowed are 0 to 1000`]);
    expect(outcomes).toEqual(['nonsense']);
  });

  it('that answers for too few clusters is named', async () => {
    const { ask } = await host(await flavour.short());
    const [failure] = why(await ask('shop'));
    expect(failure).toMatch(where === 'over gRPC' ? 'gave 2 scores for 3 clusters' : 'for 2 clusters and not for 3');
  });

  it('is left alone after three failures, for a while', async () => {
    const { ask, outcomes, clock } = await host(await flavour.hanging());
    for (let time = 0; time < 3; time++) await ask('stuck');
    expect(why(await ask('shop'))).toEqual(['is left alone for a while: timeout after 800 ms']);
    expect(outcomes).toEqual(['failed', 'failed', 'failed', 'left-alone']);
    clock.advance(1_000);
    expect(why(await ask('shop'))).toEqual([undefined]);
    expect(why(await ask('stuck'))).toEqual(['timeout after 800 ms']);
    expect(why(await ask('shop'))).toEqual([undefined]);
  });

  it('of another version than the one that is configured does not count', async () => {
    const good = await flavour.good();
    const { ask } = await host({ ...good, engine: { ...good.engine, version: '2.0.0' } });
    expect(why(await ask('shop'))).toEqual(['answers as version 1.2.0; configured is 2.0.0']);
  });
});

describe('a package', () => {
  it.each(['NaN', 'Infinity', '-1', '0.5', 'undefined', '"12"', '10n', '{}'])(
    'that scores %s is named',
    async (score) => {
      const { ask } = await host(await inWorker(`export const score = () => [1, ${score}, 3]`, scoring));
      expect(why(await ask('shop'))).toEqual([expect.stringMatching(/^gave b the score .*; allowed are 0 to 1000$/)]);
    },
  );

  it.each([
    ['false', 'threw: filter answered false for a; allowed are true and the reason why not'],
    ['undefined', 'threw: filter answered undefined for a; allowed are true and the reason why not'],
  ])('whose filter says %s is named', async (said, failure) => {
    const { ask } = await host(await inWorker(`export const filter = (_, all) => all.map(() => ${said})`, filtering));
    expect(why(await ask('shop'))).toEqual([failure]);
  });

  it('may give long reasons, and many: they are cut, and counted as another one', async () => {
    const many = fleetOf(...Array.from({ length: 40 }, (_, at) => aCluster(`c${at}`)));
    const source = `export const filter = (_, all) => all.map(({ id }) => id + ' '.repeat(3) + 'x'.repeat(200))`;
    const { host: made } = await host(await inWorker(source, filtering));
    const [said] = await made.consult([group('shop')], many);
    const [answer] = said?.answers ?? [];
    expect(answer?.failure).toBeUndefined();
    expect(answer?.reasons).toHaveLength(15);
    expect(answer?.reasons.at(-1)).toBe('another reason');
    expect(answer?.reasons[0]).toHaveLength(120);
  });

  it.each([
    ['has no such function', 'export const scores = () => []', 'cannot be loaded: exports no function "score"'],
    ['throws when it is loaded', `throw new Error('no licence')`, 'cannot be loaded: no licence'],
    ['is no JavaScript', 'export const = 5', 'cannot be loaded: '],
    ['ends itself', 'export const score = () => process.exit(3)', 'ended with code 3'],
    [
      'takes all memory',
      'export const score = () => { const all = []; while (true) all.push(new Array(1e5).fill({})); }',
      'memory',
    ],
    [
      'throws behind its answer',
      `export const score = () => new Promise(() => setTimeout(() => { throw new Error('late'); }, 5))`,
      'ended with an error: late',
    ],
    [
      'posts what it likes',
      `import { parentPort } from 'node:worker_threads'; export const score = () => { parentPort.postMessage('hello'); return new Promise(() => {}); }`,
      'sent a message of no known form',
    ],
  ])('that %s is named, and the next question finds a new worker', async (_, source, failure) => {
    const { ask } = await host(await inWorker(source, scoring, { timeoutMs: 5_000 }));
    for (let time = 0; time < 2; time++) expect(why(await ask('shop'))).toEqual([expect.stringContaining(failure)]);
  });

  it('may be written as docs/plugins.md shows it', async () => {
    const guide = await readFile(join(import.meta.dirname, '../../docs/plugins.md'), 'utf8');
    const [, example = ''] = /```js\n(.*?)```/s.exec(guide) ?? [];
    const { host: made } = await host(await inWorker(example, undefined, { settings: { owner: 'navy' } }));
    const gold = fleetOf(aCluster('a'), aCluster('b', { labels: { tier: 'gold' } }));
    const [said] = await made.consult([group('shop')], gold);
    expect(plain(said?.answers ?? [])).toMatchObject([
      { reasons: ['is for the owner'], verdicts: [0, 1], scores: [0, 0] },
    ]);
  });

  it('that prints without end is heard for a while', async () => {
    const lines: { msg: string }[] = [];
    const log = createLogger({ app: 'test', destination: { write: (line) => lines.push(JSON.parse(line)) } });
    const source = `let asked = 0; export const score = async (_, all) => { asked++; for (let at = 0; at < 500; at++) { console.log('line', asked, at); await new Promise(setImmediate); } return all.map(() => 1); }`;
    const made = new PluginHost([await inWorker(source, scoring, { timeoutMs: 10_000 })], { log, clock: clockAt(0) });
    ends.push(() => made.close());
    const printed = () => lines.filter(({ msg }) => msg.startsWith('plug-in printed')).length;
    await made.consult([group('shop')], fleet);
    await expect.poll(printed).toBeGreaterThan(0);
    expect(printed()).toBeLessThanOrEqual(20);
  });

  it('that throws for one group answers for the others', async () => {
    const source = `export const score = (group, all) => { if (group.application === 'odd') throw new Error('odd'); return all.map(() => 5); }`;
    const { ask } = await host(await inWorker(source, scoring));
    expect(why(await ask('shop', 'odd', 'blog'))).toEqual([undefined, 'threw: odd', undefined]);
  });

  it('sees no variable of the process, and nothing but what it is told', async () => {
    const source = `export const filter = (group, clusters, context) =>
      clusters.map((cluster) => JSON.stringify([Object.keys(process.env), Object.keys(cluster), group.components, context]).slice(0, 120));`;
    process.env.BERTH_DATABASE_URL ??= 'postgres://secret';
    const { ask } = await host(await inWorker(source, filtering));
    const [answer] = await ask('shop');
    expect(answer?.reasons[0]).toMatch(/^\[\[\],\["id","region","zone","provider","labels","cordoned","nodes"/);
  });
});

describe('a server', () => {
  it('that is gone is named, and asked again when it is back', async () => {
    const first = await startPluginServer(judgingServer);
    const { ask, clock } = await host(onServer(first.address, undefined, { timeoutMs: 2_000 }));
    expect(why(await ask('shop'))).toEqual([undefined]);
    await first.close();
    expect(why(await ask('shop'))).toEqual([`is not reachable at ${first.address}`]);
    await server(judgingServer, first.address);
    await expect
      .poll(
        async () => {
          clock.advance(60_000);
          return why(await ask('shop'));
        },
        { timeout: 20_000 },
      )
      .toEqual([undefined]);
  });

  it('is told all that there is to know of clusters and groups', async () => {
    const started = await server(judgingServer);
    const { ask } = await host(onServer(started.address, undefined, { settings: { step: 1, of: { deep: ['x'] } } }));
    await ask('shop');
    expect(started.asked).toHaveLength(1);
    expect(started.asked[0]).toMatchObject({
      plugin: 'tried',
      settings: { step: 1, of: { deep: ['x'] } },
      filter: true,
      score: true,
      clusters: [
        { id: 'a', region: 'eu', zone: 'eu-1', nodes: 3, allocatable: { mcpu: 10_000n }, free: { mcpu: 10_000n } },
        { id: 'b' },
        { id: 'c' },
      ],
      groups: [
        {
          tenant: 'acme',
          application: 'shop',
          components: [
            { name: 'web', kind: 'service', replicas: 2, perReplica: { mcpu: 500n }, labels: { tier: 'gold' } },
          ],
        },
      ],
    });
  });

  it('that answers for another number of groups, or in no known form, is named', async () => {
    const few = await host(onServer((await server(() => ({ version: '', answers: [] }))).address, scoring));
    expect(why(await few.ask('shop'))).toEqual(['gave 0 answers for 1 groups']);
    const garbage = await host(onServer((await server(() => Uint8Array.of(255, 255, 255, 1, 2))).address, scoring));
    const [failure] = why(await garbage.ask('shop'));
    expect(failure).toMatch(/^answered INTERNAL: .*is no berth\.plugin\.v1\.ConsultResponse/);
  });

  it('is called over TLS, with the token and the certificate that were given', async () => {
    const authority = await createAuthority('harbour');
    const [ours, theirs] = [await authority.sign('scheduler'), await authority.sign('prices')];
    const credentials = ServerCredentials.createSsl(
      Buffer.from(authority.certificate),
      [{ private_key: Buffer.from(theirs.privateKey), cert_chain: Buffer.from(theirs.certificate) }],
      true,
    );
    const started = await server(judgingServer, '127.0.0.1:0', credentials);
    const tls = { authority: Buffer.from(authority.certificate) };
    const own = { certificate: Buffer.from(ours.certificate), privateKey: Buffer.from(ours.privateKey) };
    const asking = (given: typeof tls & Partial<typeof own>, name: string) =>
      onServer(
        started.address,
        { name, ...filtering, ...scoring },
        {
          timeoutMs: 3_000,
          runs: { as: 'grpc', address: started.address, tls: given, token: 's3cret' },
        },
      );
    const known = await host(asking({ ...tls, ...own }, 'known'));
    expect(why(await known.ask('shop'))).toEqual([undefined]);
    expect(started.tokens).toEqual(['Bearer s3cret']);
    const unknown = await host(asking(tls, 'unknown'));
    expect(why(await unknown.ask('shop'))).toEqual([`is not reachable at ${started.address}`]);
  });

  it('that writes what a terminal would obey has it taken out', async () => {
    const esc = String.fromCharCode(27);
    const sly = await server(() => ({
      version: `1${esc}[2J`,
      answers: [{ reasons: [`no${esc}[31m\nroom`], verdicts: [1, 0, 0] }],
    }));
    const { ask } = await host(onServer(sly.address, filtering));
    expect(await ask('shop')).toMatchObject([{ version: '1 [2J', reasons: ['no [31m room'], failure: undefined }]);
  });

  it('that sends more than anybody reads is named', async () => {
    const reasons = ['x'.repeat(20 * 1024 * 1024)];
    const vast = await server(() => ({ version: '', answers: [{ reasons }] }));
    const { ask } = await host(onServer(vast.address, filtering, { timeoutMs: 5_000 }));
    expect(why(await ask('shop'))).toEqual([expect.stringMatching(/^answered RESOURCE_EXHAUSTED/)]);
  });
});

it('plug-ins are asked side by side, and one that fails takes nothing from the others', async () => {
  const good = await inWorker(judging);
  const gone = onServer('127.0.0.1:1', { name: 'gone', ...scoring });
  const { host: made } = await host({ ...good, engine: { ...good.engine, name: 'good' } }, gone);
  const [said] = await made.consult([group('shop')], fleet);
  expect(said?.clusters).toBe(fleet.ids);
  expect(said?.answers.map(({ plugin, failure }) => [plugin, failure])).toEqual([
    ['good', undefined],
    ['gone', 'is not reachable at 127.0.0.1:1'],
  ]);
});

it('nobody is asked about nothing, and a large fleet in parts', async () => {
  const started = await server(({ clusters, groups }) => ({
    version: '',
    answers: groups.map(() => ({ scores: clusters.map(() => 1) })),
  }));
  const { host: made } = await host(onServer(started.address, scoring, { timeoutMs: 10_000 }));
  expect(await made.consult([], fleet)).toEqual([]);
  expect(started.asked).toHaveLength(0);
  const large = fleetOf(...Array.from({ length: 2000 }, (_, at) => aCluster(`c${at}`)));
  const groups = Array.from({ length: 600 }, (_, at) => group(`app-${at}`));
  const answers = await made.consult(groups, large);
  expect(started.asked.map((each) => each.groups.length)).toEqual([500, 100]);
  expect(answers).toHaveLength(600);
  expect(answers.every(({ answers: [answer] }) => answer?.failure === undefined)).toBe(true);
});
