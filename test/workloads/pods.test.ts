import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wire } from '#contract';
import type { RpcError } from '#platform';
import { refusalOf } from '../gateway/harness.js';
import { deletePod, type PodWorld, podsIn, startPodWorld } from './world.js';

let world: PodWorld;
beforeAll(async () => {
  world = await startPodWorld();
});
afterAll(() => world.close());

type Printed = wire.ReadLogsResponse;
const sourceOf = ({ source }: Printed): string => `${source?.cluster}/${source?.pod}/${source?.container}`;
const textOf = ({ event }: Printed): string => (event.case === 'lines' ? Buffer.from(event.value).toString() : '');
const request = (more: Parameters<PodWorld['station']['workloads']['readLogs']>[0] = {}) => ({
  name: world.name,
  ...more,
});

const all = async (more?: Parameters<typeof request>[0]): Promise<Printed[]> => {
  const got: Printed[] = [];
  for await (const each of world.station.workloads.readLogs(request(more), { deadlineMs: 20_000 })) got.push(each);
  return got;
};
const refused = (more?: Parameters<typeof request>[0]): Promise<RpcError> => refusalOf(all(more));

/** Follows until what was printed is as wanted. */
async function follow(
  more: Parameters<typeof request>[0],
  holds: (got: readonly Printed[]) => boolean | Promise<boolean>,
): Promise<Printed[]> {
  const got: Printed[] = [];
  const signal = AbortSignal.timeout(20_000);
  for await (const each of world.station.workloads.readLogs(request({ follow: true, ...more }), { signal })) {
    got.push(each);
    if (await holds(got)) return got;
  }
  throw new Error(`ended with ${got.length} messages`);
}

describe('logs of many pods over two clusters', () => {
  it('come from every container of every pod, each with its source, and end', async () => {
    const got = await all();
    const printing = new Set(got.filter(({ event }) => event.case === 'lines').map(sourceOf));
    const [web, pair] = await Promise.all([podsIn(world, 'one', 'web'), podsIn(world, 'two', 'pair')]);
    expect(printing.size).toBe(8);
    expect(printing).toContain(`clusters/one/${web[0]?.name}/web`);
    expect(printing).toContain(`clusters/two/${pair[0]?.name}/two`);
    const ends = got.filter(({ event }) => event.case === 'end');
    expect(ends.map(({ event }) => event.value)).toEqual(
      Array.from({ length: 8 }, () => expect.objectContaining({ code: '' })),
    );
    for (const each of got)
      if (each.event.case === 'lines')
        expect(textOf(each)).toContain(`in ${each.source?.pod} on ${each.source?.cluster.slice(9)}`);
  });

  it('are narrowed to component, cluster, pod and container, to a tail and to a time', async () => {
    const [pod] = await podsIn(world, 'one', 'pair');
    const got = await all({
      component: 'pair',
      cluster: 'clusters/one',
      container: 'two',
      tailLines: 3n,
      timestamps: true,
    });
    expect(new Set(got.map(sourceOf))).toEqual(new Set([`clusters/one/${pod?.name}/two`]));
    const lines = got.map(textOf).join('').trimEnd().split('\n');
    expect(lines).toHaveLength(3);
    for (const line of lines) expect(line).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z line \d+ of two in pair-/);
    const recent = await all({ pod: pod?.name ?? '', container: 'one', since: { seconds: 1n, nanos: 0 } });
    expect(recent.map(textOf).join('').trimEnd().split('\n').length).toBeLessThanOrEqual(22);
  });

  it('go on as they are followed; a pod that goes ends its own source, and the one in its place joins', async () => {
    const [gone] = await podsIn(world, 'one', 'web');
    if (gone === undefined) throw new Error('no pod');
    const before = new Set((await podsIn(world, 'one', 'web')).map(({ name }) => name));
    let isDeleted = false;
    const got = await follow({ component: 'web', tailLines: 1n }, async (found) => {
      const sources = new Set(found.map(sourceOf));
      if (!isDeleted && sources.size === 4) {
        isDeleted = true;
        await deletePod(world, gone);
      }
      const joined = found.some(({ source }) => source?.cluster === 'clusters/one' && !before.has(source.pod));
      return joined && found.some(({ event, source }) => event.case === 'end' && source?.pod === gone.name);
    });
    const afterEnd = got.slice(got.findIndex(({ event }) => event.case === 'end') + 1);
    expect(afterEnd.every(({ source }) => source?.pod !== gone.name)).toBe(true);
    // nobody else's source ended
    expect(got.filter(({ event }) => event.case === 'end')).toHaveLength(1);
  });

  it('follow an application into components that it is given later', async () => {
    const { applications } = world.station;
    const name = `${world.name.slice(0, -4)}late`;
    const component = (id: string) => ({
      name: id,
      replicas: 1,
      containers: [{ image: 'example.test/a:1', requests: { cpu: '50m', memory: '32Mi' } }],
    });
    const apply = (...ids: string[]) =>
      applications.applyApplication({ name, source: { case: 'spec', value: { components: ids.map(component) } } });
    await apply('first');
    const placed = async () =>
      (await world.station.database.query(`SELECT 1 FROM works WHERE application_id = 'late'`)).length;
    while ((await placed()) === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    let isGrown = false;
    await follow({ name }, async (found) => {
      if (!isGrown && found.some(({ event }) => event.case === 'lines')) {
        isGrown = true;
        await apply('first', 'second');
      }
      return found.some(({ source, event }) => source?.component === 'second' && event.case === 'lines');
    });
  });

  it('say what there is when what was asked for is not there', async () => {
    expect(await refused({ component: 'wob' })).toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining('there is pair, web'),
    });
    expect(await refused({ cluster: 'clusters/three' })).toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining('clusters/one, clusters/two'),
    });
    expect(await refused({ name: `${world.name}x` })).toMatchObject({ code: 'NOT_FOUND' });
    expect(await refused({ tailLines: -1n })).toMatchObject({ code: 'INVALID_ARGUMENT' });
    const ends = await all({ component: 'pair', container: 'three' });
    expect(ends.map(({ event }) => event.value)).toEqual([
      expect.objectContaining({ code: 'NOT_FOUND', message: expect.stringContaining('there is one, two') }),
      expect.objectContaining({ code: 'NOT_FOUND' }),
    ]);
    const before = await all({ component: 'web', cluster: 'clusters/one', previous: true });
    expect(new Set(before.map(({ event }) => event.case))).toEqual(new Set(['end']));
    for (const { event } of before)
      expect(event.value).toMatchObject({
        code: 'NOT_FOUND',
        message: 'container web has nothing from before a restart',
      });
  });
});

interface Ran {
  out: string;
  err: string;
  code: number | undefined;
  started: wire.PodTarget | undefined;
}

async function run(
  start: Omit<Parameters<typeof wireStart>[0], 'target'> & { target?: object },
  input: readonly (string | { columns: number; rows: number } | 'end')[] = [],
): Promise<Ran> {
  const stream = world.station.workloads.exec({ deadlineMs: 20_000 });
  await stream.write({ message: { case: 'start', value: wireStart(start) } });
  for (const each of input)
    if (each === 'end') await stream.write({ message: { case: 'stdinEnd', value: {} } });
    else if (typeof each === 'string') await stream.write({ message: { case: 'stdin', value: Buffer.from(each) } });
    else await stream.write({ message: { case: 'resize', value: each } });
  const ran: Ran = { out: '', err: '', code: undefined, started: undefined };
  for await (const { message } of stream.messages) {
    if (message.case === 'stdout') ran.out += Buffer.from(message.value).toString();
    if (message.case === 'stderr') ran.err += Buffer.from(message.value).toString();
    if (message.case === 'started') ran.started = message.value;
    if (message.case === 'exitCode') ran.code = message.value;
  }
  return ran;
}
const wireStart = ({
  target = {},
  ...rest
}: {
  target?: object;
  command: string[];
  tty?: boolean;
  stdin?: boolean;
  container?: string;
}) => ({
  target: { name: world.name, component: 'web', ...target },
  ...rest,
});

describe('a command in a pod', () => {
  it('prints to both outputs, and its exit code comes back', async () => {
    const ran = await run({ command: ['sh', '-c', 'echo hello $GREETING; echo oops >&2; exit 7'] });
    expect(ran).toMatchObject({ out: 'hello ahoy\n', err: 'oops\n', code: 7 });
    expect(ran.started).toMatchObject({ component: 'web', cluster: 'clusters/one', container: 'web' });
  });

  it('reads what it is sent, to its end', async () => {
    const ran = await run({ command: ['cat'], stdin: true }, ['one ', 'two', 'end']);
    expect(ran).toMatchObject({ out: 'one two', code: 0 });
  });

  it('has a terminal, and is told when that changes its size', async () => {
    const ran = await run({ command: ['sh'], tty: true, stdin: true, target: { cluster: 'clusters/two' } }, [
      { columns: 132, rows: 43 },
      'stty size\rexit 3\r',
    ]);
    expect(ran.out).toContain('43 132\r\n');
    expect(ran.code).toBe(3);
    expect(ran.started?.cluster).toBe('clusters/two');
  });

  it('carries a megabyte both ways unharmed', async () => {
    const text = Array.from({ length: 20_000 }, (_, index) => `line ${index} of what is sent there and back\n`).join(
      '',
    );
    const stream = world.station.workloads.exec({ deadlineMs: 20_000 });
    await stream.write({ message: { case: 'start', value: wireStart({ command: ['cat'], stdin: true }) } });
    const sending = (async () => {
      for (let at = 0; at < text.length; at += 50_000)
        await stream.write({ message: { case: 'stdin', value: Buffer.from(text.slice(at, at + 50_000)) } });
      await stream.write({ message: { case: 'stdinEnd', value: {} } });
    })();
    const got: Uint8Array[] = [];
    for await (const { message } of stream.messages) if (message.case === 'stdout') got.push(message.value);
    await sending;
    expect(Buffer.concat(got).toString() === text).toBe(true);
  });

  it('is refused with what there is to choose from', async () => {
    const refusals = async (start: Parameters<typeof run>[0]) => refusalOf(run(start));
    expect(await refusals({ command: ['true'], target: { component: '' } })).toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('pair, web'),
    });
    expect(await refusals({ command: ['true'], target: { component: 'pair' } })).toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(/pod pair-\S+ has one, two; name one/),
    });
    expect(await refusals({ command: ['true'], target: { cluster: 'clusters/one', pod: 'gone' } })).toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringMatching(/pod "gone" was not found; there is web-\S+, web-/),
    });
    expect(await refusals({ command: ['vi'] })).toMatchObject({
      code: 'FAILED_PRECONDITION',
      message: expect.stringContaining('executable file not found'),
    });
    expect(await refusals({ command: [] })).toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});

async function connect(target: object, port: number, sent: string): Promise<string> {
  const stream = world.station.workloads.portForward({ deadlineMs: 20_000 });
  await stream.write({ message: { case: 'open', value: { target: { name: world.name, ...target }, port } } });
  await stream.write({ message: { case: 'data', value: Buffer.from(sent) } });
  let got = '';
  for await (const { message } of stream.messages)
    if (message.case === 'data') {
      got += Buffer.from(message.value).toString();
      if (got === sent) stream.end();
      if (got === sent) return got;
    }
  return got;
}

describe('a connection to a pod', () => {
  it('carries a request there and its answer back, and ends with the pod', async () => {
    const page = await connect({ component: 'web' }, 8080, 'GET /cart HTTP/1.1\r\nhost: x\r\n\r\n');
    expect(page).toMatch(/^HTTP\/1.1 200 OK[\s\S]*a hollow pod answers \/cart/);
  });

  it('carries any bytes', async () => {
    expect(await connect({ component: 'web' }, 8080, '\u0001\u0002 not HTTP')).toBe('\u0001\u0002 not HTTP');
  });

  it('is refused at a port where nothing listens', async () => {
    expect(await refusalOf(connect({ component: 'web' }, 81, 'x'))).toMatchObject({
      code: 'FAILED_PRECONDITION',
      message: expect.stringContaining('connection refused'),
    });
    expect(await refusalOf(connect({ component: 'web' }, 70_000, 'x'))).toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});

describe('the store', () => {
  it('keeps who went where and with what command, and nothing of what passed', async () => {
    await run({ command: ['echo', 'a', 'secret'] });
    const [entry] = await world.station.database.query(
      `SELECT tenant_id, actor, action, target, after FROM audit WHERE action = 'workloads.exec' ORDER BY id DESC LIMIT 1`,
    );
    expect(entry).toMatchObject({
      tenant_id: 'default',
      actor: expect.stringMatching(/^tenants\/default\/apiKeys\//),
      target: world.name,
      after: {
        environment: 'default',
        into: ['web in one'],
        command: ['echo', 'a', 'secret'],
        tty: false,
        stdin: false,
      },
    });
    const counts = await world.station.database.query(
      `SELECT action, count(*)::int > 0 AS some FROM audit WHERE action LIKE 'workloads.%' GROUP BY action ORDER BY action`,
    );
    expect(counts).toEqual(['exec', 'forward', 'logs'].map((each) => ({ action: `workloads.${each}`, some: true })));
    const unused = await world.station.database.query('SELECT 1 FROM tunnels WHERE opened_at IS NULL');
    expect(unused).toEqual([]);
  });
});
