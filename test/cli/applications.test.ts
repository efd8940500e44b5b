import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type GatewayHarness, startGatewayHarness } from '../gateway/harness.js';
import { placeApplication } from '../gateway/placed.js';
import { cutLineTo } from '../kubernetes/cut-line.js';
import { until } from '../kubernetes/until.js';
import { Scenario } from '../scheduler/scenario.js';
import { cliOn, rowsOf, startCli } from './runner.js';

const appFile = (name: string, replicas = 2) => `
name: ${name}
spec:
  components:
    - name: ${name}
      replicas: ${replicas}
      containers:
        - image: nginx:1.27
          requests: { cpu: 100m, memory: 64Mi }
`;
const manifests = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: front }
spec:
  replicas: 1
  selector: { matchLabels: { app: front } }
  template:
    metadata: { labels: { app: front } }
    spec:
      containers: [{ name: front, image: nginx:1.27, resources: { requests: { cpu: 50m, memory: 32Mi } } }]
`;

describe('berth, for tenants', () => {
  let harness: GatewayHarness;
  let berth: ReturnType<typeof cliOn>;
  let server: string;
  beforeAll(async () => {
    harness = await startGatewayHarness();
    server = harness.gateway.grpcAddress;
    berth = cliOn(server, harness.ownerKey);
  });
  afterAll(() => harness.close());
  const applied = async (name: string, ...more: string[]) =>
    await berth(['apply', '-f', 'app.yaml', ...more], { files: { 'app.yaml': appFile(name) } });

  it('applies a file, says what changed, and that nothing did the second time', async () => {
    expect(await applied('first')).toMatchObject({
      code: 0,
      out: 'application first in default: created, v1\n',
      err: '',
    });
    expect((await applied('first')).out).toBe('application first in default: unchanged, v1\n');
    const changed = await berth(['apply', '-f', '-'], { files: { '-': appFile('first', 3) } });
    expect(changed.out).toMatch(/^application first in default: changed, v2 \(revision 2\)\n$/);
  });

  it('checks a file without changing anything', async () => {
    expect((await applied('dry', '--dry-run')).out).toContain('would be created');
    const got = await berth(['get', 'dry']);
    expect(got).toMatchObject({ code: 1, out: '' });
    expect(got.err).toMatch(/^error: NOT_FOUND: application "tenants\/default\/projects\/default\/applications\/dry"/);
  });

  it('names manifests by --name or the file', async () => {
    const files = { 'in/Front.yaml': manifests, '-': manifests };
    expect((await berth(['apply', '-f', 'in/Front.yaml'], { files })).out).toContain(
      'application front in default: created',
    );
    expect(await berth(['apply', '-f', '-'], { files })).toMatchObject({
      code: 2,
      err: expect.stringContaining('--name'),
    });
  });

  it('shows each wrong field on a line of its own', async () => {
    const wrong = appFile('wrong', -1).replace('nginx:1.27', 'ng inx');
    const run = await berth(['apply', '-f', 'x.yaml'], { files: { 'x.yaml': wrong } });
    expect(run.code).toBe(1);
    expect(run.err).toMatch(/^error: INVALID_ARGUMENT: 2 fields are wrong\n/);
    expect(run.err).toMatch(/^ {2}spec\.components\[0\]\.replicas: found -1;/m);
    expect(run.err).toMatch(/^ {2}spec\.components\[0\]\.containers\[0\]\.image: /m);
    const broken = await berth(['apply', '-f', 'x.yaml'], { files: { 'x.yaml': 'name: [' } });
    expect(broken).toMatchObject({ code: 1, err: expect.stringContaining('x.yaml cannot be applied\n  file: ') });
  });

  it('refuses a stale etag', async () => {
    await applied('etagged');
    const run = await berth(['apply', '-f', 'a', '--etag', 'old'], { files: { a: appFile('etagged', 5) } });
    expect(run).toMatchObject({ code: 1, err: expect.stringMatching(/^error: ABORTED: etag of /) });
  });

  it.each(['failed', 'degraded'] as const)('ends the wait when a cluster refuses it for good: %s', async (phase) => {
    const application = `unwanted-${phase}`;
    const files = { a: appFile(application) };
    const run = startCli(['apply', '-f', 'a', '--wait'], { server, key: harness.ownerKey, files });
    await until('the first state', () => run.kept.out.includes('waiting') || run.kept.err.includes('waiting'));
    const placed = { application, component: application, cluster: `not-${phase}`, replicas: 2 };
    await placeApplication(harness.db, { ...placed, refused: { generation: 1, phase } });
    await announce(harness, application);
    expect(await run.done).toMatchObject({ code: 1, err: expect.stringContaining('ObjectNotOurs') });
    const shown = rowsOf((await berth(['get', application])).out);
    expect(shown).toContain(` | not-${phase} | ${phase} | 0/2 | 0 | 0`);
    expect((await berth(['get', application])).out).toContain('ObjectNotOurs: it is there already');
    // the next content has not been tried yet
    await harness.db.query('UPDATE works SET generation = 2 WHERE application_id = $1', [application]);
    expect(rowsOf((await berth(['get', application])).out)).toContain(` | not-${phase} | applying | 0/2 | 0 | 0`);
  });

  it('waits until it is ready, shows it, and explains it', async () => {
    const run = startCli(['apply', '-f', 'a', '--wait'], {
      server,
      key: harness.ownerKey,
      files: { a: appFile('placed') },
    });
    await until('the first state', () => run.kept.out.includes('waiting'));
    await placeApplication(harness.db, { application: 'placed', component: 'placed', cluster: 'north', replicas: 2 });
    await announce(harness, 'placed');
    expect(await run.done).toMatchObject({ code: 0, out: expect.stringMatching(/placed v\d+ is ready\n$/) });
    expect(rowsOf((await berth(['get'])).out).find((row) => row.startsWith('placed'))).toMatch(
      /^placed \| default \| v\d+ \| ready \| 2\/2 \| north \| \d+s$/,
    );
    expect(rowsOf((await berth(['get', 'placed'])).out)).toContain(' | north | ready | 2/2 | 2 | 0');
    expect((await berth(['get', 'placed', '--objects'])).out).toMatch(/north .* Deployment .* uid-1 .* 42/);
    const explained = rowsOf((await berth(['explain', 'placed'])).out);
    expect(explained).toContain('placed → north');
    expect(explained).toContain(' | 2 of placed');
    expect(explained).toContain(' | north | chosen | 700 | 700 | placed 2');
    expect(explained).toContain(' | 1 | Cordon | cordoned | south');
  });

  it('plans, and applies what was planned, exactly', async () => {
    const scenario = new Scenario(harness.db);
    for (const id of ['planned-east', 'planned-west']) await scenario.cluster(id, { nodes: 2 });
    await scenario.cluster('planned-closed', { cordoned: true });
    const named = `${appFile('planned')}  placement: { clusters: [planned-east, planned-west, planned-closed] }\n`;
    const files = { 'app.yaml': named };
    const shown = await berth(['plan', '-f', 'app.yaml'], { files });
    expect(shown).toMatchObject({ code: 0, err: '' });
    const rows = rowsOf(shown.out);
    expect(rows[0]).toBe('planned in default: 2 of 2 placements would change');
    expect(rows).toContain('planned | planned-east | - | 1 | +1');
    expect(rows).toContain(' | 1 | Cordon | is cordoned | planned-closed');
    expect(rows.at(-1)).toMatch(/^ \| berth apply -f app\.yaml --plan plan_[0-9a-f]{32}_[0-9a-f]{32}$/);
    const json: unknown = JSON.parse((await berth(['plan', '-f', 'app.yaml', '-o', 'json'], { files })).out);
    expect(json).toMatchObject({ changed: true, decision: { placed: true } });
    const plan = (await berth(['plan', '-f', 'app.yaml', '-o', 'name'], { files })).out.trim();
    const applied = await berth(['apply', '-f', 'app.yaml', '--plan', plan], { files });
    expect(applied).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^application planned in default: created, v\d+\n$/),
    });
    const again = await berth(['apply', '-f', 'app.yaml', '--plan', plan], { files });
    expect(again).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^error: ABORTED: the plan .* does not hold any more/),
    });
    expect((await berth(['apply', '-f', 'app.yaml', '--plan', 'mine'], { files })).err).toMatch(
      /^ {2}plan: found "mine"/m,
    );
  });

  it('ends a plan that has no place with 1, and says why', async () => {
    const files = { 'app.yaml': appFile('immense', 9_000) };
    const run = await berth(['plan', '-f', 'app.yaml'], { files });
    expect(run.code).toBe(1);
    expect(run.out).toMatch(/^immense in default: there is no place\n {2}.*9000 × immense/);
    expect(run.out).not.toContain('--plan');
  });

  it('gives up waiting after the time that it was given', async () => {
    const run = await applied('slow', '--wait', '--timeout', '1s');
    expect(run).toMatchObject({
      code: 1,
      err: expect.stringContaining('error: slow is not ready after 1s\n  slow: waiting\n'),
    });
  });

  it('ends with 1 and the reasons when it is refused', async () => {
    const run = startCli(['apply', '-f', 'a', '--wait'], {
      server,
      key: harness.ownerKey,
      files: { a: appFile('unwanted') },
    });
    await until('the first state', () => run.kept.out.includes('waiting'));
    await harness.db.query(`UPDATE releases SET phase = 'refused' WHERE application_id = 'unwanted'`);
    await announce(harness, 'unwanted');
    expect(await run.done).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^error: unwanted: v\d+ is refused\n/),
    });
  });

  it('answers as JSON, YAML and names', async () => {
    await applied('shapes');
    const json: unknown = JSON.parse((await berth(['get', 'shapes', '-o', 'json'])).out);
    expect(json).toMatchObject({ name: 'tenants/default/projects/default/applications/shapes', revision: '1' });
    expect(parse((await berth(['-o', 'yaml', 'get', 'shapes'])).out)).toEqual(json);
    const names = (await berth(['get', '-o', 'name'])).out.split('\n');
    expect(names).toContain('tenants/default/projects/default/applications/shapes');
    expect(JSON.parse((await berth(['get', 'releases', '-o', 'json'])).out)).toHaveProperty('releases');
    expect(rowsOf((await berth(['get', 'revisions', 'shapes'])).out)[1]).toMatch(/^1 \| [0-9a-f]{12} \| 1 \| /);
  });

  it('watches on over a lost connection, and ends well on Ctrl-C', async () => {
    const line = await cutLineTo(`http://${server}`);
    const stop = new AbortController();
    const through = { server: new URL(line.url).host, key: harness.ownerKey, signal: stop.signal };
    const run = startCli(['watch', '-o', 'json'], through);
    await until('the first round', () => run.kept.out.includes('"synced"'));
    line.cut();
    await until('the loss', () => run.kept.err.includes('connection lost'));
    await applied('meanwhile');
    line.mend();
    await until('what changed meanwhile', () => run.kept.out.includes('/meanwhile"'));
    stop.abort();
    expect(await run.done).toMatchObject({ code: 0 });
    expect(run.kept.out.match(/"synced"/g)).toHaveLength(1);
    await line.close();
  });

  it('says what it waits for when nothing of that name is there', async () => {
    const stop = new AbortController();
    const run = startCli(['watch', 'nosuch'], { server, key: harness.ownerKey, signal: stop.signal });
    await until('the word', () => run.kept.err !== '');
    stop.abort();
    expect(await run.done).toEqual({ code: 0, out: '', err: 'waiting for nosuch\n' });
  });

  it('shows only what is in the environment that was asked for', async () => {
    await berth(['environment', 'create', 'staging']);
    await applied('staged', '--environment', 'staging');
    await applied('unstaged');
    const rows = rowsOf((await berth(['get', '--environment', 'staging'])).out);
    expect(rows.slice(1)).toEqual([expect.stringMatching(/^staged \| staging \| v1 /)]);
    expect((await berth(['get', 'staged', '--environment', 'staging'])).code).toBe(0);
    for (const argv of [
      ['get', 'unstaged', '--environment', 'staging'],
      ['get', '--environment', 'nosuch'],
    ])
      expect(await berth(argv)).toMatchObject({ code: 1, out: '', err: expect.stringMatching(/^error: NOT_FOUND: /) });
  });

  it('watches only what is in the environment that was asked for', async () => {
    const stop = new AbortController();
    const watch = (...argv: string[]) =>
      startCli(['watch', '--environment', 'staging', ...argv], { server, key: harness.ownerKey, signal: stop.signal });
    const [plain, raw] = [watch(), watch('-o', 'json')];
    await until('the first round', () => plain.kept.out !== '' && raw.kept.out.includes('"synced"'));
    await applied('elsewhere');
    await applied('staged-too', '--environment', 'staging');
    const both = () => [plain, raw].every(({ kept }) => kept.out.includes('staged-too'));
    await until('what came meanwhile', both);
    stop.abort();
    await Promise.all([plain.done, raw.done]);
    expect(rowsOf(plain.kept.out).filter((row) => !/^staged(-too)? \| staging \| v/.test(row))).toEqual([]);
    expect(raw.kept.out).not.toMatch(/elsewhere|environments\/default"/);
  });

  it('draws a live table at a terminal', async () => {
    const stop = new AbortController();
    const run = startCli(['watch', 'first'], { server, key: harness.ownerKey, signal: stop.signal, terminal: true });
    await until('the table', () => rowsOf(run.kept.out).some((row) => row.startsWith('first | default')));
    stop.abort();
    expect(await run.done).toMatchObject({ code: 0 });
  });

  it('asks before it deletes, and waits until it is gone', async () => {
    await applied('going');
    expect(await berth(['delete', 'going'])).toMatchObject({ code: 2, err: expect.stringContaining('--yes') });
    expect(await berth(['delete', 'going'], { answer: 'n' })).toMatchObject({ code: 1 });
    expect((await berth(['get', 'going'])).code).toBe(0);
    const gone = await berth(['delete', 'going', '--wait'], { answer: 'y' });
    expect(gone).toMatchObject({ code: 0, out: 'application going is gone\n' });
    expect((await berth(['get', 'going'])).code).toBe(1);
    expect(rowsOf((await berth(['operations'])).out)[1]).toMatch(/ \| applications\.delete \| going \| done \| /);
  });

  it('says in one line what is wrong with the call', async () => {
    expect(await cliOn(server, '')(['get'])).toMatchObject({
      code: 2,
      err: expect.stringMatching(/^error: no API key: /),
    });
    const wrongKey = await cliOn(server, 'berth_nobody_0123456789abcdef0123')(['get']);
    expect(wrongKey).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^error: UNAUTHENTICATED: .*\nset BERTH_API_KEY/),
    });
    const foreign = await berth(['get', '--tenant', 'other']);
    expect(foreign).toMatchObject({ code: 1, err: expect.stringMatching(/^error: PERMISSION_DENIED: /) });
    const nobody = await cliOn('127.0.0.1:1', 'k')(['get']);
    expect(nobody).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^error: no Berth answers at 127\.0\.0\.1:1; .*\n$/),
    });
  });

  it.each([
    [['frob']],
    [['get', 'a', 'b']],
    [['apply']],
    [['get', '-o', 'xml']],
    [['get', '--server', 'http://x']],
    [['get', 'A_b']],
  ])('ends with 2 on %j', async (argv) => expect(await berth(argv)).toMatchObject({ code: 2, out: '' }));
});

/** Says, as scheduler and hub do, that something about an application has changed. */
async function announce(harness: GatewayHarness, application: string): Promise<void> {
  const store = await harness.db.connect('berth_scheduler');
  await store.unitOfWork.run({ kind: 'system', actor: 'test' }, async (tx) => {
    await tx.outbox.append({ tenant: 'default', kind: 'application', resource: `default/${application}` });
  });
}
