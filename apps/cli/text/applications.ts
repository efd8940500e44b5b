import { wire } from '#contract';
import { driftLines } from './drifts.js';
import { age, idOf } from './figures.js';
import type { Look } from './look.js';
import { summaryLines } from './objects.js';
import { phaseWord, releasePhaseWord } from './phases.js';
import { reasonLines } from './reasons.js';
import { pairs, table } from './table.js';
import { warningLines } from './warnings.js';

/** How many replicas are ready of those wanted, over all components. */
export function readiness(state: wire.EnvironmentStatus): string {
  const sum = (of: 'ready' | 'desired') =>
    state.components.reduce((total, { replicas }) => total + (replicas?.[of] ?? 0), 0);
  return `${sum('ready')}/${sum('desired')}`;
}

/** Ids of the clusters that hold something of it, in order. */
export const clustersOf = (state: wire.EnvironmentStatus): string[] =>
  [...new Set(state.components.flatMap(({ clusters }) => clusters.map(({ cluster }) => idOf(cluster))))].sort();

const versionOf = (release: wire.Release | undefined): string => (release === undefined ? '-' : `v${release.number}`);

/** The phase, and whether a part of it rests on a cluster that has not been heard of for a while. */
function phaseOf(state: wire.EnvironmentStatus, { palette }: Look): string {
  const stale = state.components.some(({ clusters }) => clusters.some((at) => at.freshness === wire.Freshness.STALE));
  return `${phaseWord(state.phase, palette)}${stale ? palette.yellow(' (stale)') : ''}`;
}

const heads = ['NAME', 'ENVIRONMENT', 'RELEASE', 'PHASE', 'READY', 'CLUSTERS', 'AGE'];

/** A row for each environment that an application is in. */
export function applicationRows(application: wire.Application, look: Look): string[][] {
  const name = idOf(application.name);
  const old = age(application.createTime, look.now);
  if (application.environments.length === 0) {
    const phase = application.deleteTime === undefined ? wire.Phase.UNSPECIFIED : wire.Phase.REMOVING;
    return [[name, '-', '-', phaseWord(phase, look.palette), '-', '-', old]];
  }
  return application.environments.map((state) => [
    name,
    idOf(state.environment),
    versionOf(state.release),
    phaseOf(state, look),
    readiness(state),
    clustersOf(state).join(',') || '-',
    old,
  ]);
}

export function applicationTable(applications: readonly wire.Application[], look: Look): string[] {
  if (applications.length === 0) return ['no applications'];
  return table(
    heads,
    applications.flatMap((application) => applicationRows(application, look)),
    look.palette,
  );
}

const counts = (replicas: wire.ReplicaCounts | undefined): string[] =>
  replicas === undefined
    ? ['-', '-', '-']
    : [`${replicas.ready}/${replicas.desired}`, String(replicas.updated), String(replicas.restarts)];

const doubts: Readonly<Partial<Record<wire.Freshness, string>>> = {
  [wire.Freshness.STALE]: 'stale',
  [wire.Freshness.UNKNOWN]: 'agent silent',
};

/** Why a report may be old, and how old it is; empty while it is fresh. */
function freshnessNote({ freshness, reportTime }: wire.ClusterComponentStatus, now: number): string {
  const doubt = doubts[freshness];
  if (doubt === undefined) return '';
  return reportTime === undefined ? doubt : `${doubt}, reported ${age(reportTime, now)} ago`;
}

function componentRows(component: wire.ComponentStatus, look: Look): string[][] {
  const { palette } = look;
  const why = reasonLines(component).join('; ');
  const overall = [component.component, '', phaseWord(component.phase, palette), ...counts(component.replicas), why];
  const perCluster = component.clusters.map((at) => [
    ...['', idOf(at.cluster), phaseWord(at.phase, palette)],
    ...[...counts(at.replicas), freshnessNote(at, look.now)],
  ]);
  return [overall, ...perCluster];
}

function environmentLines(state: wire.EnvironmentStatus, look: Look, wide: boolean): string[] {
  const { palette } = look;
  const { release } = state;
  const made =
    release === undefined
      ? ''
      : `, ${releasePhaseWord(release.phase, palette)} ${age(release.createTime, look.now)} ago`;
  const title = `${palette.bold(idOf(state.environment))} ${versionOf(release)}${made}: ${phaseOf(state, look)}, ${readiness(state)} ready`;
  if (state.components.length === 0) return ['', title];
  const rows = state.components.flatMap((component) => componentRows(component, look));
  return [
    '',
    title,
    ...table(['COMPONENT', 'CLUSTER', 'PHASE', 'READY', 'UPDATED', 'RESTARTS', 'REASON'], rows, palette),
    ...(wide ? summaryLines(state, look) : []),
    ...driftLines(state, look),
    ...warningLines(state, look),
  ];
}

/** One application with everything that is known of its components; `wide`: of their objects, too. */
export function applicationDetail(application: wire.Application, look: Look, { wide = false } = {}): string[] {
  const facts = pairs(
    [
      ['application', idOf(application.name)],
      ['revision', `${application.revision}`],
      ...(application.spec === undefined ? [] : [['priority', `${application.spec.priority}`] as const]),
      ['etag', application.etag],
      ['uid', application.uid],
      ['age', age(application.createTime, look.now)],
      ...(application.deleteTime === undefined
        ? []
        : [['deleting since', age(application.deleteTime, look.now)] as const]),
    ],
    look.palette,
  );
  return [...facts, ...application.environments.flatMap((state) => environmentLines(state, look, wide))];
}

export function releaseTable(releases: readonly wire.Release[], look: Look): string[] {
  if (releases.length === 0) return ['no releases'];
  const rows = releases.map((release) => [
    versionOf(release),
    idOf(release.application),
    String(release.revision),
    releasePhaseWord(release.phase, look.palette),
    String(release.priority),
    idOf(release.author),
    age(release.createTime, look.now),
  ]);
  return table(['RELEASE', 'APPLICATION', 'REVISION', 'PHASE', 'PRIORITY', 'AUTHOR', 'AGE'], rows, look.palette);
}

export function revisionTable(revisions: readonly wire.Revision[], look: Look): string[] {
  if (revisions.length === 0) return ['no revisions'];
  const rows = revisions.map((revision) => [
    String(revision.number),
    revision.digest.slice(0, 12),
    String(revision.spec?.components.length ?? 0),
    idOf(revision.author),
    age(revision.createTime, look.now),
  ]);
  return table(['REVISION', 'DIGEST', 'COMPONENTS', 'AUTHOR', 'AGE'], rows, look.palette);
}
