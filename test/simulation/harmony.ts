import { canonicalJson } from '#domain';
import { identityOf } from '#kube';
import { isOwned, keyOf, type MemberModel, type MemberObject, workOf } from './member-model.js';
import type { World } from './world.js';

/** What in the world is not yet as the store says; empty when every member holds exactly that, and the store knows it. */
export function discords(world: World): string[] {
  const { store, members } = world;
  const open = [...store.tombstones.values()].filter(({ confirmed }) => confirmed === undefined);
  return [
    ...open.map(({ cluster, object }) => `${cluster}: tombstone of ${object.kind} ${object.name} is open`),
    ...[...members.values()].flatMap((member) => inMember(world, member)),
    ...[...store.works.values()].flatMap(({ id, cluster, component, generation, objects }) => {
      const reported = store.status.get(id)?.status;
      const freshness = store.freshnessOf(id);
      const isTold = reported?.generation === generation && (objects.length === 0 || reported.phase === 'ready');
      const told = `${reported?.phase} at ${reported?.generation}, ${freshness}`;
      // what nobody answers for may still be up: as long as it is, the work is not gone
      if (objects.length === 0 && orphansIn(world, cluster).some((object) => workOf(object) === id)) return [];
      if (objects.length === 0)
        return [`${cluster}: ${component} (${id.slice(0, 4)}) is not wanted, and not gone: ${told}`];
      return isTold && freshness === 'fresh'
        ? []
        : [`${cluster}: ${component} (${id.slice(0, 4)}) at ${generation} is ${told}`];
    }),
  ];
}

/** Objects of Berth that no work answers for: where two agents were at a time, the one may put back what the other deleted. */
export function orphansIn({ members, scheduler, rivalled }: World, cluster: string): MemberObject[] {
  if (!rivalled.has(cluster)) return [];
  const objects = [...(members.get(cluster)?.objects.values() ?? [])];
  return objects.filter((object) => isOwned(object) && !scheduler.answersFor(cluster, object));
}

function inMember(world: World, member: MemberModel): string[] {
  const orphans = new Set(orphansIn(world, member.cluster));
  const works = [...world.store.works.values()].filter(({ cluster }) => cluster === member.cluster);
  const manifests = works.flatMap(({ objects }) => [...objects]);
  const wanted = new Map(manifests.map((manifest) => [keyOf(identityOf(manifest)), manifest]));
  const missing = [...wanted].filter(([key, manifest]) => {
    const there = member.objects.get(key);
    return (
      there === undefined || (there.kind !== 'Namespace' && canonicalJson(there.manifest) !== canonicalJson(manifest))
    );
  });
  const tooMuch = [...member.objects.values()].filter((object) => {
    // a namespace stays as long as something is in it that Berth may not delete
    const isKept =
      object.kind === 'Namespace' && member.within(object.name).some((each) => !isOwned(each) || orphans.has(each));
    return isOwned(object) && !wanted.has(keyOf(object)) && !isKept && !orphans.has(object);
  });
  return [
    ...missing.map(([key]) => `${member.cluster}: ${key} is not as ordered`),
    ...tooMuch.map((object) => `${member.cluster}: ${keyOf(object)} is there, and nobody wants it`),
  ];
}
