import { expect, it } from 'vitest';
import type { JsonObject } from '#domain';
import { type ClaimedStorage, claimedStorage } from './claims.js';
import { importManifests } from './import.js';

const claim = (name: string, spec: JsonObject): JsonObject => ({
  metadata: { name },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...spec },
});

function storageOf(
  podSpec: JsonObject,
  templates: JsonObject[],
  ...others: Parameters<typeof importManifests>[0][number][]
): ClaimedStorage | undefined {
  const spec = importManifests([
    {
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: { name: 'db' },
      spec: {
        serviceName: 'db',
        selector: { matchLabels: { app: 'db' } },
        volumeClaimTemplates: templates,
        template: {
          metadata: { labels: { app: 'db' } },
          spec: { containers: [{ name: 'db', image: 'postgres:17' }], ...podSpec },
        },
      },
    },
    ...others,
  ]);
  const [component] = spec.components;
  return component === undefined ? undefined : claimedStorage(component);
}

it('reads which storage classes volumes need, and whether they outlive pods', () => {
  expect(storageOf({}, [])).toEqual({ classes: [], keepsData: false });
  expect(storageOf({}, [claim('data', {}), claim('log', { storageClassName: 'fast' })])).toEqual({
    classes: ['', 'fast'],
    keepsData: true,
  });
  const scratch = { name: 'scratch', ephemeral: { volumeClaimTemplate: claim('', { storageClassName: 'fast' }) } };
  expect(storageOf({ volumes: [scratch, { name: 'tmp', emptyDir: {} }] }, [])).toEqual({
    classes: ['fast'],
    keepsData: false,
  });
});

it('asks no class for volumes that exist already, or that somebody makes by hand', () => {
  expect(storageOf({}, [claim('data', { storageClassName: '' })])).toEqual({ classes: [], keepsData: true });
  const books = {
    ...{ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'books' } },
    spec: { accessModes: ['ReadWriteOnce'], volumeName: 'books' },
  };
  const using = { volumes: [{ name: 'books', persistentVolumeClaim: { claimName: 'books' } }] };
  expect(storageOf(using, [], books)).toEqual({ classes: [], keepsData: true });
});
