import { afterAll, beforeAll, expect, it } from 'vitest';
import { wire } from '#contract';
import { application, type Station, startStation, watchUntil } from '../e2e/station.js';
import { type CutLine, cutLineTo } from '../kubernetes/cut-line.js';
import { describeMembers, type Flavour } from '../kubernetes/members.js';
import { until } from '../kubernetes/until.js';

const { FRESH, STALE, UNKNOWN } = wire.Freshness;

/** The same clusters, each behind a line that can be cut between the agent and its API server. */
const behindLines = (flavour: Flavour, lines: CutLine[]): Flavour => ({
  ...flavour,
  async start(names, nodes) {
    const started = await flavour.start(names, nodes);
    const members = [];
    for (const member of started.members) {
      const line = await cutLineTo(member.access.url);
      lines.push(line);
      members.push({ ...member, kubeconfig: member.kubeconfig.replace(member.access.url, line.url) });
    }
    return { ...started, members };
  },
});

describeMembers('what is known of a cluster', (flavour) => {
  const lines: CutLine[] = [];
  let station: Station;
  beforeAll(async () => {
    station = await startStation(behindLines(flavour, lines), ['only']);
  });
  afterAll(async () => {
    await station?.close();
    await Promise.all(lines.map((line) => line.close()));
  });

  it('is fresh, then stale, then unknown when its API server is silent though its agent is not, and fresh again', async () => {
    const name = application('shop');
    const rule = {
      ...{ apiVersion: 'apps/v1', kind: 'Deployment', ready: 'object.status.readyReplicas == 2' },
      message: 'string(object.status.readyReplicas) + " by rule"',
    };
    const containers = [{ image: 'registry.example/web:1' }];
    const value = {
      components: [{ name: 'web', replicas: 2, containers, objectPolicy: { statusRules: [rule] } }],
    };
    await station.applications.applyApplication({ name, source: { case: 'spec', value } });
    const now = async () => {
      const state = (await station.applications.getApplication({ name })).environments[0];
      const cluster = state?.components[0]?.clusters[0];
      const summary = cluster?.objects.find(({ kind }) => kind === 'Deployment')?.summary;
      return { phase: state?.phase, freshness: cluster?.freshness, summary };
    };
    const isWell = (found: wire.Application) => found.environments[0]?.phase === wire.Phase.READY;
    await watchUntil(station, name, isWell);
    // the rule went all the way down, and what it says all the way up
    expect(await now()).toEqual({ phase: wire.Phase.READY, freshness: FRESH, summary: '2 by rule' });

    for (const line of lines) line.freeze();
    await until('it is stale', async () => (await now()).freshness === STALE || undefined, 60_000);
    await station.database.query(`UPDATE cluster_agents SET lease_expires_at = lease_expires_at - interval '1 minute'`);
    expect(await now()).toMatchObject({ phase: wire.Phase.UNKNOWN, freshness: UNKNOWN });

    for (const line of lines) line.mend();
    const isFresh = async () => {
      const { phase, freshness } = await now();
      return (phase === wire.Phase.READY && freshness === FRESH) || undefined;
    };
    await until('it is fresh again', isFresh, 60_000);
  }, 180_000);
});
