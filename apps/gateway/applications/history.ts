import {
  applicationName,
  decisionToWire,
  readApplicationName,
  readEnvironmentName,
  readReleaseName,
  readRevisionName,
  releaseName,
  releaseToWire,
  type wire,
} from '#contract';
import { refusalWords } from '#decision';
import { dnsLabel, InvalidRequest, NotFound, type Principal } from '#domain';
import { unpackRecord } from '#placement';
import {
  readDecision,
  readEnvironments,
  readPreemptions,
  readReleases,
  readRevisions,
  type Store,
  type StoredPreemption,
} from '#store';
import { cutPage, readPage } from '../pages.js';
import { readerFor } from '../principal.js';
import { getApplication } from './reading.js';
import { revisionToWire } from './view.js';

/** The environment that a request means; `default` when it names none. */
export function environmentOf(request: { environment: string }): string {
  const environment = request.environment === '' ? 'default' : request.environment;
  if (!dnsLabel.test(environment))
    throw new InvalidRequest([
      {
        field: 'environment',
        description: `found "${environment.slice(0, 80)}"; allowed is the id of an environment, as "default"`,
      },
    ]);
  return environment;
}

/** Why everything is where it is, by the newest decision about it. */
export async function explainApplication(
  store: Store,
  principal: Principal,
  request: wire.ExplainApplicationRequest,
): Promise<wire.Decision> {
  const key = readApplicationName(request.name);
  const environment = environmentOf(request);
  const decision = await readDecision(readerFor(store, principal), { ...key, environment });
  if (decision === undefined) {
    await getApplication(store, principal, request.name);
    throw new NotFound({ kind: 'decision', name: `${request.name} in environment ${environment}` });
  }
  const at = { ...key, environment, release: decision.release };
  const { preempted, by } = await readPreemptions(readerFor(store, principal), at);
  const peer = (of: StoredPreemption) => ({
    application: applicationName(key.tenant, of.project, of.application),
    release: releaseName(key.tenant, of.project, of.environment, of.release),
    ...{ priority: of.priority, createdAt: of.createdAt },
  });
  return decisionToWire({
    preempted: preempted.map(peer),
    // What was placed again since holds its place.
    preemptedBy: by === undefined || (decision.placed && by.createdAt < decision.createdAt) ? undefined : peer(by),
    id: decision.id,
    release: releaseName(key.tenant, key.project, environment, decision.release),
    createdAt: decision.createdAt,
    placed: decision.placed,
    priority: decision.priority,
    incarnation: decision.incarnation,
    record: unpackRecord(decision.record),
    words: refusalWords,
  });
}

export async function getRevision(store: Store, principal: Principal, name: string): Promise<wire.Revision> {
  const { number, ...key } = readRevisionName(name);
  const from = BigInt(number);
  const [revision] = await readRevisions(readerFor(store, principal), key, { from, limit: 1 });
  if (revision?.number !== from) throw new NotFound({ kind: 'revision', name });
  return revisionToWire(revision);
}

const beforeOf = (after: string | undefined): bigint | undefined =>
  after === undefined ? undefined : BigInt(after) - 1n;

export async function listRevisions(
  store: Store,
  principal: Principal,
  request: wire.ListRevisionsRequest,
): Promise<{ revisions: wire.Revision[]; nextPageToken: string }> {
  const key = readApplicationName(request.parent, 'parent');
  const query = ['revisions', request.parent];
  const page = readPage(request, query);
  const bounds = { from: beforeOf(page.after), limit: page.size + 1 };
  const rows = await readRevisions(readerFor(store, principal), key, bounds);
  if (rows.length === 0) await getApplication(store, principal, request.parent);
  const cut = cutPage(rows, page, query, ({ number }) => `${number}`);
  return { revisions: cut.rows.map(revisionToWire), nextPageToken: cut.nextPageToken };
}

export async function getRelease(store: Store, principal: Principal, name: string): Promise<wire.Release> {
  const { number, ...key } = readReleaseName(name);
  const from = BigInt(number);
  const [release] = await readReleases(readerFor(store, principal), key, { from, limit: 1 });
  if (release?.number !== from) throw new NotFound({ kind: 'release', name });
  return releaseToWire(release);
}

export async function listReleases(
  store: Store,
  principal: Principal,
  request: wire.ListReleasesRequest,
): Promise<{ releases: wire.Release[]; nextPageToken: string }> {
  const key = readEnvironmentName(request.parent, 'parent');
  const query = ['releases', request.parent];
  const page = readPage(request, query);
  const read = readerFor(store, principal);
  const rows = await readReleases(read, key, { from: beforeOf(page.after), limit: page.size + 1 });
  if (rows.length === 0) {
    const environments = await readEnvironments(read, { ...key, after: '', limit: 1000 });
    if (!environments.some(({ id }) => id === key.environment))
      throw new NotFound({ kind: 'environment', name: request.parent });
  }
  const cut = cutPage(rows, page, query, ({ number }) => `${number}`);
  return { releases: cut.rows.map(releaseToWire), nextPageToken: cut.nextPageToken };
}
