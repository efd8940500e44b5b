import type { MessageInitShape } from '@bufbuild/protobuf';
import { applicationName, environmentName, projectName, releaseToWire, type wire } from '#contract';
import {
  AlreadyExists,
  addResources,
  EtagMismatch,
  type Ids,
  InvalidRequest,
  NotFound,
  PreconditionFailed,
} from '#domain';
import {
  type ApplicationKey,
  bumpApplication,
  type ChargedRelease,
  chargeProject,
  claimObjects,
  insertApplication,
  insertRelease,
  insertRevision,
  type LockedApplication,
  type LockedProject,
  lockActiveReleases,
  lockApplication,
  lockEnvironment,
  lockProject,
  moveReleases,
  readApplication,
  readClusterIds,
  type StoredApplication,
  type Transaction,
} from '#store';
import type { Intake } from './intake.js';
import { type ChargeChange, chargeDifference, checkQuota } from './quota.js';
import { applicationToWire, etagOf } from './view.js';

/** By when a waiting release must have been decided, before it counts as overdue. */
const decisionDeadlineMs = 60_000;

export interface ApplyOrder {
  key: ApplicationKey;
  environment: string;
  intake: Intake;
  /** Empty: whatever is there. */
  etag: string;
  requestId: string;
  /** Who hands it in: author and actor. */
  author: string;
  /** Id of the plan that is taken with it. */
  plan?: string;
}

/** The rows that an apply is judged by, all under lock. */
export interface Scene {
  project: LockedProject;
  application: LockedApplication | undefined;
  nextRelease: bigint;
  configVersion: bigint;
  /** In this environment: the one that waits or was refused, and the one that is placed. */
  asking: ChargedRelease | undefined;
  holding: ChargedRelease | undefined;
}

/** @throws EtagMismatch when the caller has read something else, PreconditionFailed while it is being deleted. */
export function checkCurrent(name: string, etag: string, application: LockedApplication | undefined): void {
  const current = application === undefined ? '' : etagOf(application);
  if (etag !== '' && etag !== current) throw new EtagMismatch({ name, sent: etag, current });
  if (application?.deleted === true)
    throw new PreconditionFailed('BEING_DELETED', `"${name}" is being deleted; try again when it is gone`, { name });
}

/** Locks project, application and environment in this order: they are sent together, and taken one after the other. */
export async function lockScene(tx: Transaction, { key, environment, etag }: ApplyOrder): Promise<Scene> {
  const [lockingProject, lockingApplication, lockingEnvironment] = [
    lockProject(tx, key),
    lockApplication(tx, key),
    lockEnvironment(tx, { ...key, environment }),
  ];
  await tx.together([lockingProject, lockingApplication, lockingEnvironment]);
  const [project, application, locked] = [await lockingProject, await lockingApplication, await lockingEnvironment];
  if (project === undefined) throw new NotFound({ kind: 'project', name: projectName(key.tenant, key.project) });
  checkCurrent(applicationName(key.tenant, key.project, key.application), etag, application);
  if (locked === undefined)
    throw new NotFound({ kind: 'environment', name: environmentName(key.tenant, key.project, environment) });
  const active = application === undefined ? [] : await lockActiveReleases(tx, { ...key, uid: application.uid });
  const here = active.filter((release) => release.environment === environment);
  return {
    ...locked,
    project,
    application,
    asking: here.find(({ phase }) => phase === 'waiting' || phase === 'refused'),
    holding: here.find(({ phase }) => phase === 'placed' || phase === 'removing'),
  };
}

/** Whether the environment already has, or already waits for, exactly this. */
export function isSame({ application, asking, holding, configVersion }: Scene, { digest }: Intake): boolean {
  const newest = asking ?? holding;
  if (application === undefined || newest === undefined) return false;
  return (
    application.digest === digest &&
    newest.revision === application.revision &&
    newest.configVersion === configVersion &&
    newest.phase !== 'removing'
  );
}

async function checkClusters(tx: Transaction, { clusters }: Intake): Promise<void> {
  if (clusters.length === 0) return;
  const there = await readClusterIds((sql, parameters) => tx.query(sql, parameters), 10_000);
  const known = new Set(there);
  const listed =
    there.length === 0
      ? 'there are none yet'
      : `there are ${there.slice(0, 20).join(', ')}${there.length > 20 ? ' …' : ''}`;
  const wrong = clusters
    .filter(({ cluster }) => !known.has(cluster))
    .map(({ cluster, field }) => ({ field, description: `no cluster "${cluster}"; ${listed}` }));
  if (wrong.length > 0) throw new InvalidRequest(wrong);
}

async function checkClaims(tx: Transaction, { key, environment, intake }: ApplyOrder, uid: string): Promise<void> {
  const [conflict] = await claimObjects(tx, { ...key, environment, uid, objects: intake.objects });
  if (conflict === undefined) return;
  const owner = applicationName(key.tenant, key.project, conflict.owner);
  throw new AlreadyExists({
    kind: conflict.kind,
    name: conflict.name,
    hint: `in environment "${environment}" it belongs to ${owner}`,
  });
}

/** The number of the revision that holds this content: the newest, when it is the same. */
function revisionOf({ application }: Scene, { digest }: Intake): bigint {
  if (application === undefined) return 1n;
  return application.digest === digest ? application.revision : application.revision + 1n;
}

/** Makes or changes the application's row, and keeps content that is new. */
async function writeContent(
  tx: Transaction,
  { key, intake, author }: ApplyOrder,
  { application }: Scene,
  { uid, revision }: { uid: string; revision: bigint },
): Promise<void> {
  const row =
    application === undefined
      ? insertApplication(tx, { ...key, uid })
      : bumpApplication(tx, { tenant: key.tenant, uid, revision });
  const content = { tenant: key.tenant, uid, number: revision, spec: intake.spec, digest: intake.digest, author };
  await Promise.all([row, ...(application?.revision === revision ? [] : [insertRevision(tx, content)])]);
}

async function writeRelease(
  tx: Transaction,
  order: ApplyOrder,
  scene: Scene,
  written: { uid: string; revision: bigint },
  change: ChargeChange,
): Promise<void> {
  const { key, environment, author, intake } = order;
  const replaced = scene.asking === undefined ? [] : [scene.asking.number];
  const superseded = { phase: 'superseded', deadlineMs: undefined } as const;
  const moved = replaced.length === 0 ? [] : [moveReleases(tx, { ...key, environment, numbers: replaced }, superseded)];
  const inserted = insertRelease(tx, {
    ...key,
    environment,
    ...written,
    number: scene.nextRelease,
    configVersion: scene.configVersion,
    author,
    charge: intake.charge,
    priority: intake.spec.priority ?? 0,
    nodeLabelKeys: intake.nodeLabelKeys,
    deadlineMs: decisionDeadlineMs,
  });
  await tx.together([...moved, inserted, chargeProject(tx, key, chargeDifference(change))]);
}

/** Tells what was done to whom it concerns, in the transaction in which it was done. */
async function record(tx: Transaction, order: ApplyOrder, scene: Scene, revision: bigint): Promise<void> {
  const { key, environment, intake, requestId, author } = order;
  const { application, asking, holding, nextRelease } = scene;
  const newest = asking ?? holding;
  const audited = tx.audit.append({
    tenant: key.tenant,
    actor: author,
    action: 'applications.apply',
    target: applicationName(key.tenant, key.project, key.application),
    requestId,
    before:
      application === undefined
        ? null
        : {
            revision: `${application.revision}`,
            digest: application.digest,
            environment,
            release: newest === undefined ? null : `v${newest.number}`,
          },
    after: {
      revision: `${revision}`,
      digest: intake.digest,
      environment,
      release: `v${nextRelease}`,
      charge: { ...intake.charge },
      ...(order.plan === undefined ? {} : { plan: order.plan }),
    },
  });
  const announced = tx.outbox.append(
    { tenant: key.tenant, kind: 'application', resource: `${key.project}/${key.application}` },
    {
      tenant: key.tenant,
      kind: 'release',
      resource: `${key.project}/${environment}/${nextRelease}`,
      version: nextRelease,
    },
  );
  await tx.together([audited, announced]);
}

/** The application and its newest release in the environment, as they are in this transaction. */
export async function answerOf(tx: Transaction, { key, environment }: ApplyOrder, changed: boolean): Promise<Applied> {
  const stored = await readApplication((sql, parameters) => tx.query(sql, parameters), key);
  const release = newestRelease(stored, environment);
  if (stored === undefined || release === undefined) throw new Error('what was just applied is not there');
  return { application: applicationToWire(stored), release: releaseToWire(release), changed };
}

const newestRelease = (stored: StoredApplication | undefined, environment: string) =>
  stored?.releases
    .filter((release) => release.environment === environment)
    .reduce((newest, release) => (release.number > newest.number ? release : newest));

/**
 * What applies in one transaction hand on to each other: each has read the project and its environment before the others
 * wrote. All are of one project.
 */
export class SharedRows {
  #project: LockedProject | undefined;
  readonly #nextReleases = new Map<string, bigint>();

  /** The scene as those before have left it. */
  seen(scene: Scene, environment: string): Scene {
    const nextRelease = this.#nextReleases.get(environment) ?? scene.nextRelease;
    return { ...scene, project: this.#project ?? scene.project, nextRelease };
  }

  /** A release is going to be written on this scene. */
  note({ project, nextRelease }: Scene, environment: string, change: ChargeChange): void {
    this.#project = { ...project, used: addResources(project.used, chargeDifference(change)) };
    this.#nextReleases.set(environment, nextRelease + 1n);
  }
}

/** What an apply shares with others of its transaction, and what was sent for it beforehand. */
export interface ApplyTogether {
  shared?: SharedRows;
  scene?: Promise<Scene>;
  /** Released anew, even when everything is so already. */
  anew?: boolean;
}

/** What the caller gets. */
export type Applied = MessageInitShape<typeof wire.ApplyApplicationResponseSchema>;

/**
 * Takes an application's content in and releases it to an environment, in the transaction that it is given: content,
 * names, quota, release, audit and announcement, or nothing. Locks in the order project, application, environment.
 */
export async function applyApplication(
  tx: Transaction,
  order: ApplyOrder,
  ids: Ids,
  { shared = new SharedRows(), scene: lockedScene = lockScene(tx, order), anew = false }: ApplyTogether = {},
): Promise<Applied> {
  const { key, intake, environment } = order;
  const locked = await lockedScene;
  await checkClusters(tx, intake);
  // From here until everything is sent nothing is waited for: no other apply of this transaction comes in between.
  const scene = shared.seen(locked, environment);
  if (!anew && isSame(scene, intake)) return await answerOf(tx, order, false);
  const change = { charge: intake.charge, asking: scene.asking?.charge, holding: scene.holding?.charge };
  checkQuota(scene.project, key, change);
  shared.note(scene, environment, change);
  const uid = scene.application?.uid ?? ids.uuid();
  const revision = revisionOf(scene, intake);
  // None waits for another's answer. They are sent in this order, and a refusal takes all of them back.
  const written = [
    writeContent(tx, order, scene, { uid, revision }),
    checkClaims(tx, order, uid),
    writeRelease(tx, order, scene, { uid, revision }, change),
    record(tx, order, scene, revision),
  ];
  const answer = answerOf(tx, order, true);
  await tx.together([...written, answer]);
  return await answer;
}
