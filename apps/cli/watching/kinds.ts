import { wire } from '#contract';
import type { Session } from '../session.js';
import { applicationRows, applicationTable } from '../text/applications.js';
import { clusterTable } from '../text/clusters.js';
import { idOf, share } from '../text/figures.js';
import type { Look } from '../text/look.js';
import { clusterPhaseWord } from '../text/phases.js';
import { reasonLines } from '../text/reasons.js';
import type { Told, Watchable } from './show.js';

type Event<R> =
  | { case: 'changed'; value: R }
  | { case: 'deleted'; value: string }
  | { case: 'synced' }
  | { case: undefined };

const told = <R>(event: Event<R>): Told<R> => {
  if (event.case === 'changed') return { kind: 'changed', resource: event.value };
  if (event.case === 'deleted') return { kind: 'deleted', name: event.value };
  return { kind: event.case === 'synced' ? 'synced' : 'nothing' };
};

/** Reasons of components that are not as they should be. */
const reasons = (application: wire.Application): string =>
  application.environments
    .flatMap(({ components }) =>
      components.flatMap((component) => reasonLines(component).map((line) => `${component.component}: ${line}`)),
    )
    .join('; ');

const applicationLines = (application: wire.Application, look: Look): string[] => {
  const why = reasons(application);
  return applicationRows(application, look).map((row) =>
    // The age is left out: a line that differs in nothing else says nothing new.
    [...row.slice(0, -1), why].filter((cell) => cell !== '').join('  '),
  );
};

/** The application with nothing but that environment; undefined when it is not in it. */
export function within(application: wire.Application, environment: string): wire.Application | undefined {
  const environments = application.environments.filter((state) => state.environment === environment);
  return environments.length === 0 ? undefined : { ...application, environments };
}

/** What concerns one environment. An application that leaves it is deleted as far as this watch goes. */
async function* inEnvironment(
  messages: AsyncIterable<wire.WatchApplicationsResponse>,
  environment: string,
  shown: Set<string>,
): AsyncGenerator<wire.WatchApplicationsResponse, void, undefined> {
  for await (const message of messages) {
    const { event } = message;
    if (event.case === 'changed') {
      const { name } = event.value;
      const value = within(event.value, environment);
      if (value !== undefined) {
        shown.add(name);
        yield { ...message, event: { case: 'changed', value } };
      } else if (shown.delete(name)) yield { ...message, event: { case: 'deleted', value: name } };
    } else if (event.case !== 'deleted' || shown.delete(event.value)) yield message;
  }
}

/** A project's applications, or one of them: in all environments, or in `only` that one. */
export function watchedApplications(
  session: Session,
  name: string,
  only?: string,
): Watchable<typeof wire.WatchApplicationsResponseSchema, wire.Application> {
  const shown = new Set<string>();
  return {
    schema: wire.WatchApplicationsResponseSchema,
    open: (resumeToken, signal) => {
      const messages = session.applications.watchApplications({ name, resumeToken }, { signal });
      return only === undefined ? messages : inEnvironment(messages, only, shown);
    },
    read: ({ event }) => told<wire.Application>(event),
    nameOf: ({ name: full }) => full,
    table: applicationTable,
    lines: applicationLines,
  };
}

const clusterLines = (cluster: wire.Cluster, look: Look): string[] => {
  const { utilization, inventory } = cluster;
  const measured = utilization?.measured === undefined ? undefined : utilization.measuredCpuPermille;
  return [
    [
      idOf(cluster.name),
      clusterPhaseWord(cluster.phase, look.palette),
      `${inventory?.readyNodes ?? 0}/${inventory?.nodes ?? 0} nodes`,
      `cpu ${share(utilization?.requestedCpuPermille, look)} requested ${share(measured, look)} measured`,
      cluster.cordoned ? 'cordoned' : '',
    ]
      .filter((cell) => cell !== '')
      .join('  '),
  ];
};

/** All clusters, or one of them. */
export const watchedClusters = (
  session: Session,
  name: string,
): Watchable<typeof wire.WatchClustersResponseSchema, wire.Cluster> => ({
  schema: wire.WatchClustersResponseSchema,
  open: (resumeToken, signal) => session.clusters.watchClusters({ name, resumeToken }, { signal }),
  read: ({ event }) => told<wire.Cluster>(event),
  nameOf: ({ name: full }) => full,
  table: clusterTable,
  lines: clusterLines,
});
