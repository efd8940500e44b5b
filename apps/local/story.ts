import { parseApplicationFile, wire } from '#contract';
import type { RpcClient } from '#platform';
import { applicationPicture, clusterLine, decisionLines } from './picture.js';
import type { Screen } from './screen.js';

/** The demo as its two people live it: an operator with a fleet, a tenant with an application. */
export interface People {
  operator: { clusters: RpcClient<typeof wire.ClusterService> };
  tenant: {
    applications: RpcClient<typeof wire.ApplicationService>;
    operations: RpcClient<typeof wire.OperationService>;
  };
}

export const project = 'tenants/default/projects/default';

/** Waits, watching, until every member has reported in; then shows how full they are. */
export async function watchFleet(people: People, members: number, screen: Screen, signal: AbortSignal): Promise<void> {
  const known = new Map<string, wire.Cluster>();
  for await (const { event } of people.operator.clusters.watchClusters({}, { signal })) {
    if (event.case !== 'changed') continue;
    known.set(event.value.name, event.value);
    const reported = [...known.values()].filter(
      (cluster) => cluster.phase === wire.ClusterPhase.READY && (cluster.inventory?.nodes ?? 0) > 0,
    );
    if (reported.length < members) continue;
    for (const cluster of reported.sort((a, b) => a.name.localeCompare(b.name))) screen.say(clusterLine(cluster));
    return;
  }
}

/** Hands the application in, and shows it being placed, applied and becoming ready. */
export async function deploy(people: People, file: string, screen: Screen, signal: AbortSignal): Promise<string> {
  const { name: id = 'application', source } = parseApplicationFile(file);
  const name = `${project}/applications/${id}`;
  await people.tenant.applications.applyApplication({ name, source }, { signal });
  await watchUntil(people, name, signal, async (application) => {
    const decided = application.environments.some(
      (environment) => environment.release?.phase === wire.ReleasePhase.PLACED,
    );
    if (decided)
      for (const line of decisionLines(await people.tenant.applications.explainApplication({ name }))) screen.say(line);
    return decided;
  });
  screen.say('');
  await watchUntil(people, name, signal, async (application) => {
    screen.show(applicationPicture(application));
    return application.environments.every((environment) => environment.phase === wire.Phase.READY);
  });
  screen.settle();
  return name;
}

async function watchUntil(
  people: People,
  name: string,
  signal: AbortSignal,
  satisfied: (application: wire.Application) => Promise<boolean>,
): Promise<void> {
  for await (const { event } of people.tenant.applications.watchApplications({ name }, { signal }))
    if (event.case === 'changed' && (await satisfied(event.value))) return;
  throw new Error(`the watch of ${name} ended before it was ready`);
}

/** Deletes the application and waits until every member has confirmed that it is gone. */
export async function takeAway(people: People, name: string, screen: Screen, signal: AbortSignal): Promise<void> {
  const operation = await people.tenant.applications.deleteApplication({ name }, { signal });
  if (operation.done) return;
  for await (const { event } of people.tenant.applications.watchApplications({ name }, { signal })) {
    if (event.case === 'changed') screen.show(applicationPicture(event.value));
    if (event.case === 'deleted') break;
  }
  screen.settle();
}
