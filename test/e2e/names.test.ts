import { create } from '@bufbuild/protobuf';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { wire } from '#contract';
import { describeMembers } from '../kubernetes/members.js';
import { application, fleetReady, phaseOf, type Station, startStation, watchUntil } from './station.js';

const specOf = (...components: string[]) =>
  create(wire.ApplicationSpecSchema, {
    components: components.map((name) => ({ name, containers: [{ image: 'registry.example/app:1' }] })),
  });

describeMembers('names in an environment', (flavour) => {
  let station: Station;
  beforeAll(async () => {
    station = await startStation(flavour, ['one']);
    await fleetReady(station);
  });
  afterAll(() => station.close());

  const apply = (id: string, ...components: string[]) =>
    station.applications.applyApplication({
      name: application(id),
      source: { case: 'spec', value: specOf(...components) },
    });
  const outcome = (id: string, ...components: string[]) =>
    apply(id, ...components).then(
      () => 'accepted',
      (error: { code: string; message: string }) => `${error.code}: ${error.message}`,
    );

  it('belong to one application until it has given them up everywhere; then another may take them', async () => {
    await apply('first', 'kept', 'given-up');
    await watchUntil(station, application('first'), (found) => phaseOf(found) === wire.Phase.READY);
    expect(await outcome('second', 'given-up')).toMatch(/^ALREADY_EXISTS: Deployment "given-up" .*\/first/);
    await apply('first', 'kept');
    await expect.poll(() => outcome('second', 'given-up'), { timeout: 30_000 }).toBe('accepted');
    expect(await outcome('second', 'given-up', 'kept')).toMatch(/^ALREADY_EXISTS: Deployment "kept"/);
    await watchUntil(station, application('second'), (found) => phaseOf(found) === wire.Phase.READY);
    const first = await station.applications.getApplication({ name: application('first') });
    expect(phaseOf(first)).toBe(wire.Phase.READY);
  });
});
