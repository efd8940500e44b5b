import { stripVTControlCharacters } from 'node:util';
import { create } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import { wire } from '#contract';
import { applicationPicture } from './picture.js';

it('keeps its columns while phases change, and ends lines without blanks', () => {
  const application = create(wire.ApplicationSchema, {
    environments: [
      {
        components: [
          {
            component: 'web',
            phase: wire.Phase.READY,
            replicas: { desired: 2, ready: 2 },
            clusters: [{ cluster: 'clusters/east', replicas: { desired: 2, ready: 2 } }],
          },
          { component: 'api', phase: wire.Phase.REMOVING, replicas: { desired: 0, ready: 0 } },
          { component: 'worker', phase: wire.Phase.REFUSED, reasons: [{ reason: 'NoClusterFits', message: 'none' }] },
        ],
      },
    ],
  });
  expect(applicationPicture(application).map(stripVTControlCharacters)).toEqual([
    '  web        ready     2/2  east 2/2',
    '  api        removing  0/0',
    '  worker     refused   0/0  NoClusterFits: none',
  ]);
});
