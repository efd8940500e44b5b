import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { connectCluster } from './client.js';
import { ServerFault, TooManyRequests, VersionExpired } from './errors.js';
import { type ReflectOptions, type Reflector, reflect } from './reflector.js';
import { systemTiming } from './timing.js';

const discovery: Readonly<Record<string, object>> = {
  '/api': { versions: ['v1'] },
  '/apis': { groups: [] },
  '/api/v1': { resources: [{ name: 'configmaps', kind: 'ConfigMap', namespaced: true, verbs: ['list', 'watch'] }] },
};

const object = (name: string, version: number) => ({
  metadata: { name, namespace: 'n', uid: `uid-${name}`, resourceVersion: `${version}` },
});
const changed = (name: string, version: number) => ({ type: 'MODIFIED', object: object(name, version) });
const bookmark = (version: number) => ({ type: 'BOOKMARK', object: { metadata: { resourceVersion: `${version}` } } });
const expiry = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' };

/** What the server answers to one list or watch, and what it leaves open. */
type Answer = (response: ServerResponse) => void;
const answer =
  (code: number, body: object): Answer =>
  (response) => {
    response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
const list = (version: number, ...items: object[]): Answer =>
  answer(200, { metadata: { resourceVersion: `${version}` }, items });
const events =
  (...lines: object[]): Answer =>
  (response) => {
    response.writeHead(200).flushHeaders();
    for (const line of lines) response.write(`${JSON.stringify(line)}\n`);
  };
const ended =
  (...lines: object[]): Answer =>
  (response) => {
    events(...lines)(response);
    response.end();
  };
const halfABody: Answer = (response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
  response.write('{"metadata":', () => response.destroy());
};

describe('a reflector', () => {
  const closing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  /** Follows a server that answers lists and watches in turn as told; its last answers are repeated. */
  async function follow(
    told: { lists: Answer[]; watches: Answer[] },
    more: Partial<ReflectOptions<string>> = {},
    clockOf = () => Date.now(),
  ) {
    const heard: string[] = [];
    const asked: string[] = [];
    const troubles: { error: Error; retryInMs: number }[] = [];
    const recoveries: string[] = [];
    const pauses: number[] = [];
    const answers = { lists: [...told.lists], watches: [...told.watches] };
    const next = (of: 'lists' | 'watches'): Answer =>
      (answers[of].length > 1 ? answers[of].shift() : answers[of][0]) ?? answer(500, {});
    const server = createServer((request: IncomingMessage, response: ServerResponse) => {
      const url = new URL(request.url ?? '/', 'http://server');
      const known = discovery[url.pathname];
      if (known !== undefined) return answer(200, known)(response);
      const isWatch = url.searchParams.get('watch') === 'true';
      asked.push(isWatch ? `watch ${url.searchParams.get('resourceVersion')}` : 'list');
      next(isWatch ? 'watches' : 'lists')(response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const timing = {
      clock: { now: clockOf },
      chance: () => 0.5,
      sleep: async (ms: number, signal: AbortSignal) => {
        // the silence watchdog waits long, a pause does not: a pause is noted and over at once
        if (ms > 5_000) return systemTiming.sleep(ms, signal);
        pauses.push(ms);
        await systemTiming.sleep(0, signal);
      },
    };
    const retries = { tries: 1 };
    const client = await connectCluster({ kind: 'token', url }, { userAgent: 'spec', timing, retries });
    const life = new AbortController();
    const reflector: Reflector<string> = reflect<string>(client, {
      kind: { apiVersion: 'v1', kind: 'ConfigMap' },
      keep: (_, id) => `${id.name}@${id.resourceVersion}`,
      onChange: ({ type, kept }) => heard.push(`${type} ${kept}`),
      onTrouble: ({ error, retryInMs }) => troubles.push({ error, retryInMs }),
      onRecovered: (kind) => recoveries.push(kind),
      signal: life.signal,
      ...more,
    });
    closing.push(async () => {
      life.abort(new Error('the test is over'));
      await reflector.done;
      await client.close();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    });
    const until = async (what: string) => {
      const deadline = Date.now() + 10_000;
      while (!heard.includes(what)) {
        if (Date.now() > deadline) throw new Error(`not heard: ${what}; heard ${heard.join(', ')}`);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    return { heard, asked, troubles, recoveries, pauses, reflector, until };
  }

  it.each([
    ['an HTTP 410 to the watch', answer(410, expiry)],
    ['an ERROR event with code 410', events({ type: 'ERROR', object: expiry })],
  ])('lists again at once after %s, and tells of what vanished', async (_, expired) => {
    const { heard, asked, troubles, pauses, reflector, until } = await follow({
      lists: [list(5, object('a', 1), object('b', 2)), list(9, object('b', 2), object('c', 8))],
      watches: [expired, events(changed('c', 10))],
    });
    await until('modified c@10');
    expect(heard).toEqual(['added a@1', 'added b@2', 'added c@8', 'deleted a@1', 'modified c@10']);
    expect(asked).toEqual(['list', 'watch 5', 'list', 'watch 9']);
    expect(troubles).toMatchObject([{ error: expect.any(VersionExpired), retryInMs: 0 }]);
    expect(pauses).toEqual([]);
    expect(reflector.values().sort()).toEqual(['b@2', 'c@10']);
  });

  it('resumes from the last bookmark or change that it heard', async () => {
    let now = 0;
    const clock = () => (now += 2_000); // every look is long after the last: no watch is too short
    const watches = [ended(changed('a', 7), bookmark(12)), ended(changed('a', 13)), events(changed('a', 20))];
    const { asked, until, reflector } = await follow({ lists: [list(5, object('a', 1))], watches }, {}, clock);
    await until('modified a@20');
    expect(asked).toEqual(['list', 'watch 5', 'watch 12', 'watch 13']);
    expect(reflector.lists()).toBe(1);
  });

  it('tells nothing twice when a watch says again what is known', async () => {
    const { heard, until } = await follow({
      lists: [list(5, object('a', 4))],
      watches: [events(changed('a', 4), changed('a', 6), changed('a', 6), changed('b', 7))],
    });
    await until('added b@7');
    expect(heard).toEqual(['added a@4', 'modified a@6', 'added b@7']);
  });

  it('backs off further with each failure of one sort and another, and heals', async () => {
    const failures: Answer[] = [
      answer(500, { kind: 'Status', code: 500 }),
      answer(429, { kind: 'Status', code: 429 }),
      halfABody,
      (response) => response.end('<html>a proxy</html>'),
      answer(503, {}),
      answer(500, {}),
      answer(500, {}),
    ];
    const { troubles, recoveries, heard, until } = await follow({
      lists: [...failures, list(5, object('a', 4))],
      watches: [events(changed('b', 6))],
    });
    await until('added b@6');
    expect(heard).toEqual(['added a@4', 'added b@6']);
    expect(recoveries, 'told once, when it is over').toEqual(['v1/ConfigMap']);
    expect(troubles.map(({ retryInMs }) => retryInMs)).toEqual([150, 300, 600, 1_200, 2_400, 3_750, 3_750]);
    expect(troubles[0]?.error).toBeInstanceOf(ServerFault);
    expect(troubles[1]?.error).toBeInstanceOf(TooManyRequests);
  });

  it('keeps everything afresh when asked to, deletions included', async () => {
    let suffix = '';
    const { heard, asked, reflector, until } = await follow(
      { lists: [list(5, object('a', 4), object('b', 3)), list(9, object('a', 4))], watches: [events()] },
      { keep: (_, id) => `${id.name}${suffix}`, metadataOnly: true },
    );
    await reflector.synced;
    suffix = '!';
    reflector.refresh({ metadataOnly: false });
    reflector.refresh();
    await until('deleted b');
    expect(heard).toEqual(['added a', 'added b', 'modified a!', 'deleted b']);
    expect(asked.filter((each) => each === 'list')).toHaveLength(2);
    expect(reflector.isMetadataOnly()).toBe(false);
  });

  it('keeps afresh although the list that was to do it failed', async () => {
    let suffix = '';
    const { heard, reflector, until } = await follow(
      { lists: [list(5, object('a', 4)), halfABody, list(5, object('a', 4))], watches: [events()] },
      { keep: (_, id) => `${id.name}${suffix}` },
    );
    await reflector.synced;
    suffix = '!';
    reflector.refresh();
    await until('modified a!');
    expect(heard).toEqual(['added a', 'modified a!']);
  });
});
