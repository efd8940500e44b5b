import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { expect, it } from 'vitest';
import { wire } from '#contract';
import { applicationDetail, applicationTable } from './applications.js';
import { clusterTable } from './clusters.js';
import { noColours } from './look.js';

const look = { palette: noColours, bars: false, now: 120_000 };
const { READY, APPLYING, DEGRADED } = wire.Phase;
const environment = 'tenants/t/projects/p/environments/staging';

const application = create(wire.ApplicationSchema, {
  name: 'tenants/t/projects/p/applications/shop',
  etag: 'e1',
  uid: 'u1',
  revision: 2n,
  createTime: timestampFromMs(0),
  environments: [
    {
      environment,
      phase: APPLYING,
      release: { name: `${environment}/releases/v2`, number: 2n, phase: wire.ReleasePhase.PLACED },
      components: [
        {
          component: 'web',
          phase: APPLYING,
          replicas: { desired: 4, ready: 1, updated: 4, restarts: 2 },
          reasons: [{ reason: 'ImagePullBackOff', message: 'no such image', count: 3 }],
          clusters: [
            {
              cluster: 'clusters/west',
              phase: READY,
              freshness: wire.Freshness.FRESH,
              replicas: { desired: 1, ready: 1 },
            },
            { cluster: 'clusters/east', phase: DEGRADED, freshness: wire.Freshness.UNKNOWN, replicas: { desired: 3 } },
            {
              cluster: 'clusters/north',
              phase: APPLYING,
              freshness: wire.Freshness.STALE,
              reportTime: timestampFromMs(75_000),
              replicas: { desired: 0 },
            },
          ],
        },
      ],
    },
  ],
});

it('shows an application in a row for each environment, and whether some of it is old news', () => {
  expect(applicationTable([application], look)).toEqual([
    'NAME   ENVIRONMENT   RELEASE   PHASE              READY   CLUSTERS          AGE',
    'shop   staging       v2        applying (stale)   1/4     east,north,west   2m',
  ]);
});

it('shows one that is in no environment any more, and that there are none', () => {
  const leaving = create(wire.ApplicationSchema, { name: 'a/b/old', deleteTime: timestampFromMs(0) });
  expect(applicationTable([leaving], look)[1]).toMatch(/^old +- +- +removing/);
  expect(applicationTable([], look)).toEqual(['no applications']);
});

it('shows each component over all clusters and in each, with what is wrong', () => {
  const lines = applicationDetail(application, look);
  expect(lines).toContain(
    'web                   applying   1/4     4         2          ImagePullBackOff: no such image (3×)',
  );
  expect(lines).toContain('            east      degraded   0/3     0         0          agent silent');
  expect(lines).toContain('            north     applying   0/0     0         0          stale, reported 45s ago');
});

it('shows how full a cluster is, and nothing where nothing is measured', () => {
  const measured = create(wire.ClusterSchema, {
    name: 'clusters/east',
    region: 'eu',
    zone: 'a',
    phase: wire.ClusterPhase.READY,
    cordoned: true,
    taints: [{ key: 'gpu', value: 'yes', effect: 'NoSchedule' }],
    createTime: timestampFromMs(0),
    inventory: { nodes: 4, readyNodes: 3 },
    utilization: {
      requestedCpuPermille: 300,
      requestedMemoryPermille: 410,
      measured: {},
      measuredCpuPermille: 250,
      measuredMemoryPermille: 120,
    },
  });
  const blind = create(wire.ClusterSchema, { name: 'clusters/west', utilization: { requestedCpuPermille: 5 } });
  expect(clusterTable([measured, blind], look)).toEqual([
    'NAME   REGION   ZONE   PHASE   NODES   CPU REQ   CPU USED   MEM REQ   MEM USED   NOTES                         AGE',
    'east   eu       a      ready   3/4     30%       25%        41%       12%        cordoned,gpu=yes:NoSchedule   2m',
    'west   -        -      -       -       1%        -          0%        -          -                             -',
  ]);
});

it('shows how each object is when asked for more, and what the clusters warn of', () => {
  const warned = create(wire.ApplicationSchema, {
    name: 'a/b/shop',
    environments: [
      {
        environment,
        components: [
          {
            component: 'web',
            clusters: [
              {
                cluster: 'clusters/east',
                objects: [
                  { kind: 'Deployment', name: 'web', ready: false, summary: '1/3 ready' },
                  { kind: 'ConfigMap', name: 'web', ready: true, adopted: true },
                ],
                events: [
                  {
                    object: { kind: 'Pod', name: 'web-1' },
                    ...{ reason: 'FailedScheduling', message: '0/3 nodes\u001b[2J\nare available', count: 2 },
                    lastTime: timestampFromMs(60_000),
                  },
                  {
                    object: { kind: 'Pod', name: 'web-2' },
                    ...{ reason: 'BackOff', message: 'x'.repeat(300), count: 7, lastTime: timestampFromMs(115_000) },
                  },
                ],
              },
            ],
          },
        ],
      },
    ],
  });
  const brief = applicationDetail(warned, look).join('\n');
  expect(brief).not.toContain('1/3 ready');
  expect(brief).toMatch(/WARNED +COUNT +COMPONENT +CLUSTER +OBJECT +REASON +MESSAGE/);
  const wide = applicationDetail(warned, look, { wide: true });
  expect(wide).toContain('web         east      Deployment   web    no      1/3 ready');
  expect(wide).toContain('web         east      ConfigMap    web    yes     adopted');
  const [newest, older] = wide.slice(wide.findIndex((line) => line.startsWith('WARNED')) + 1);
  expect(newest).toMatch(/^5s +7× +web +east +Pod web-2 +BackOff +x{109}…$/);
  expect(older).toMatch(/^1m +2× +web +east +Pod web-1 +FailedScheduling +0\/3 nodes \[2J are available$/);
});
