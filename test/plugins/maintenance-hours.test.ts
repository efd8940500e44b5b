import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '#domain';
import { silentLogger } from '#platform';
import { type GroupView, PluginHost } from '#plugins';
import { aCluster, fleetOf } from '../../libs/placement/testing/fleet.fixture.js';
import { examplePlugin } from './examples.js';

/** What the example exports besides its filter. */
interface Example {
  maintenanceUntil(hours: string, now: number, noticeMinutes: number): string | undefined;
}

const hour = 3_600_000;
const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

/** From so many hours from now, for two hours, as the label says it. */
function hoursFrom(offset: number): string {
  const [from, to] = [new Date(Date.now() + offset * hour), new Date(Date.now() + (offset + 2) * hour)];
  const clock = (at: Date) => at.toISOString().slice(11, 16).replace(':', '');
  return `${days[from.getUTCDay()]}-${clock(from)}-${clock(to)}`;
}

const group = (tenant: string): GroupView => ({
  ...{ tenant, project: 'shop', environment: 'production', application: 'web', components: [] },
});

describe('the example maintenance-hours', () => {
  let example: Example;
  let host: PluginHost;
  beforeAll(async () => {
    example = await import(join(import.meta.dirname, '../../examples/plugins/maintenance-hours/index.js'));
    const settings = await examplePlugin('maintenance-hours', { settings: { exemptTenants: ['operators'] } });
    host = new PluginHost([settings], { log: silentLogger(), clock: systemClock });
    await host.start();
  });
  afterAll(() => host.close());

  it.each([
    ['sun-0200-0600', '2026-11-22T01:29:00Z', undefined],
    ['sun-0200-0600', '2026-11-22T01:30:00Z', 'sun 06:00 UTC'],
    ['sun-0200-0600', '2026-11-22T05:59:00Z', 'sun 06:00 UTC'],
    ['sun-0200-0600', '2026-11-22T06:00:00Z', undefined],
    ['sat-2200-0400', '2026-11-22T03:00:00Z', 'sun 04:00 UTC'],
    ['sun-0010-0100', '2026-11-21T23:50:00Z', 'sun 01:00 UTC'],
    ['mon-0200-0600', '2026-11-22T03:00:00Z', undefined],
    ['whenever', '2026-11-22T03:00:00Z', undefined],
  ])('reads %s at %s as %s', (hours, now, until) => {
    expect(example.maintenanceUntil(hours, Date.parse(now), 30)).toBe(until);
  });

  it('in a real worker, turns away clusters that are in maintenance, and says until when', async () => {
    const fleet = fleetOf(
      aCluster('any'),
      aCluster('later', { labels: { 'example.org/maintenance': hoursFrom(3) } }),
      aCluster('now', { labels: { 'example.org/maintenance': hoursFrom(-1) } }),
    );
    const [said, exempt] = await host.consult([group('acme'), group('operators')], fleet);
    expect(said?.answers).toMatchObject([
      {
        ...{ plugin: 'maintenance-hours', version: '1.0.0', failure: undefined },
        reasons: [expect.stringMatching(/^in maintenance, or about to be, until [a-z]{3} \d\d:\d\d UTC$/)],
      },
    ]);
    expect(Array.from(said?.answers[0]?.verdicts ?? [])).toEqual([0, 0, 1]);
    expect(Array.from(exempt?.answers[0]?.verdicts ?? [])).toEqual([0, 0, 0]);
  });
});
