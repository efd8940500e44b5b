import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wire } from '#contract';
import { grpcProbesToTcp } from '../inputs/grpc-probes-to-tcp.mjs';
import { describeMembers } from '../kubernetes/members.js';
import { application, fleetReady, phaseOf, type Station, startStation, watchUntil } from './station.js';

const file = join(import.meta.dirname, '../../../shared/inputs/kubernetes/online-boutique.yaml');

describe.skipIf(!existsSync(file))('online-boutique, as its authors publish it', () => {
  describeMembers('goes in through the public API', (flavour) => {
    let station: Station;
    beforeAll(async () => {
      station = await startStation(flavour, ['one', 'two']);
      await fleetReady(station);
    });
    afterAll(() => station.close());

    const apply = (id: string, content: string) =>
      station.applications.applyApplication({
        name: application(id),
        source: { case: 'manifests', value: { content } },
      });

    it(
      flavour.traits.grpcProbes
        ? 'becomes ready, whole in the one cluster that it gets'
        : 'is refused at placement, naming component, path and server version',
      async () => {
        const id = 'online-boutique';
        await apply(id, readFileSync(file, 'utf8'));
        if (!flavour.traits.grpcProbes) {
          const refused = await watchUntil(station, application(id), (found) => phaseOf(found) === wire.Phase.REFUSED);
          const { groups } = await station.applications.explainApplication({ name: application(id) });
          for (const { refusal } of groups.flatMap((group) => group.clusters)) {
            expect(refusal?.reason).toBe('SchemaMismatch');
            expect(refusal?.facts.component).toMatch(/service$/);
            expect(refusal?.facts.path).toMatch(/Probe\.grpc$/);
            expect(refusal?.facts.serverVersion).toMatch(/^v1\.20/);
          }
          expect(JSON.stringify(refused.environments[0]?.components.map((component) => component.reasons))).toContain(
            'SchemaMismatch',
          );
          await station.applications.deleteApplication({ name: application(id) });
          return;
        }
        const ready = await watchUntil(station, application(id), (found) => phaseOf(found) === wire.Phase.READY);
        const components = ready.environments[0]?.components ?? [];
        expect(components).toHaveLength(12);
        expect(
          new Set(components.map((component) => component.clusters.map((cluster) => cluster.cluster).join())).size,
        ).toBe(1);
      },
    );

    it('with tcp probes becomes ready, its Services too', async () => {
      await station.applications
        .deleteApplication({ name: application('online-boutique') })
        .catch((error: { code: string }) => {
          if (error.code !== 'NOT_FOUND') throw error;
        });
      const id = 'boutique-tcp';
      await expect
        .poll(
          () =>
            apply(id, grpcProbesToTcp(readFileSync(file, 'utf8'))).then(
              () => true,
              (error: { code: string }) => error.code,
            ),
          { timeout: 60_000 },
        )
        .toBe(true);
      const ready = await watchUntil(station, application(id), (found) => phaseOf(found) === wire.Phase.READY);
      const objects =
        ready.environments[0]?.components.flatMap((component) =>
          component.clusters.flatMap((cluster) => cluster.objects),
        ) ?? [];
      expect(objects.filter((object) => object.kind === 'Deployment')).toHaveLength(12);
      expect(objects.filter((object) => object.kind === 'Service').length).toBeGreaterThanOrEqual(12);
    });
  });
});
if (!existsSync(file))
  console.log('../shared/inputs is not there: the published manifests of online-boutique are left out.');
