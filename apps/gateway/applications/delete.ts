import { applicationName, operationToWire, type wire } from '#contract';
import { addResources, EtagMismatch, type Ids, NotFound, noResources, subtractResources } from '#domain';
import {
  type ApplicationKey,
  type ChargedRelease,
  chargeProject,
  deleteApplicationRow,
  insertOperation,
  lockActiveReleases,
  lockApplication,
  lockProject,
  markDeleted,
  moveReleases,
  readOpenOperation,
  type Transaction,
} from '#store';
import { etagOf } from './view.js';

/** By when every member should have confirmed, before it counts as overdue. */
const removalDeadlineMs = 10 * 60_000;
const kind = 'applications.delete';

export interface DeleteOrder {
  key: ApplicationKey;
  etag: string;
  requestId: string;
  author: string;
}

const byEnvironment = (releases: readonly ChargedRelease[]): Map<string, bigint[]> => {
  const groups = new Map<string, bigint[]>();
  for (const { environment, number } of releases) groups.set(environment, [...(groups.get(environment) ?? []), number]);
  return groups;
};

/** Clusters still have something of it: it is placed, or was and had to give way. */
const isThere = ({ phase, leaving }: ChargedRelease): boolean => phase === 'placed' || phase === 'removing' || leaving;

/** What asks is ended and gives its charge back; what holds begins to be taken away and keeps it until it is gone. */
async function moveAll(tx: Transaction, key: ApplicationKey, active: readonly ChargedRelease[]): Promise<void> {
  const asking = active.filter((release) => !isThere(release));
  const placed = active.filter((release) => isThere(release) && release.phase !== 'removing');
  for (const [environment, numbers] of byEnvironment(asking))
    await moveReleases(tx, { ...key, environment, numbers }, { phase: 'removed', deadlineMs: undefined });
  for (const [environment, numbers] of byEnvironment(placed)) {
    await moveReleases(tx, { ...key, environment, numbers }, { phase: 'removing', deadlineMs: removalDeadlineMs });
    const announcements = numbers.map((number) => ({
      tenant: key.tenant,
      kind: 'release' as const,
      resource: `${key.project}/${environment}/${number}`,
      version: number,
    }));
    await tx.outbox.append(...announcements);
  }
  const back = asking.map(({ charge }) => charge).reduce(addResources, noResources);
  await chargeProject(tx, key, subtractResources(noResources, back));
}

/**
 * Begins to take an application away from everywhere. One that holds nothing goes at once, and its operation is done.
 * Asking again while it is being deleted answers the same operation.
 */
export async function deleteApplication(tx: Transaction, order: DeleteOrder, ids: Ids): Promise<wire.Operation> {
  const { key, etag, requestId, author } = order;
  const name = applicationName(key.tenant, key.project, key.application);
  await lockProject(tx, key);
  const application = await lockApplication(tx, key);
  if (application === undefined) throw new NotFound({ kind: 'application', name });
  if (application.deleted) {
    const running = await readOpenOperation(tx, { kind, subject: application.uid });
    if (running !== undefined) return operationToWire(running);
  }
  const current = etagOf(application);
  if (etag !== '' && etag !== current) throw new EtagMismatch({ name, sent: etag, current });
  const active = await lockActiveReleases(tx, { ...key, uid: application.uid });
  await moveAll(tx, key, active);
  const holding = active.filter(isThere);
  if (holding.length > 0) await markDeleted(tx, { tenant: key.tenant, uid: application.uid });
  else await deleteApplicationRow(tx, { tenant: key.tenant, uid: application.uid });
  const operation = await insertOperation(tx, {
    id: ids.uuid(),
    tenant: key.tenant,
    kind,
    target: name,
    subject: application.uid,
    done: holding.length === 0,
    totalSteps: Math.max(1, holding.length),
    message: holding.length === 0 ? '' : 'waits for the member clusters to confirm',
    deadlineMs: removalDeadlineMs,
  });
  await tx.audit.append({
    tenant: key.tenant,
    actor: author,
    action: kind,
    target: name,
    requestId,
    before: {
      revision: `${application.revision}`,
      digest: application.digest,
      releases: active.map(({ environment, number }) => `${environment}/v${number}`),
    },
    after: { operation: operation.id, gone: holding.length === 0 },
  });
  await tx.outbox.append(
    { tenant: key.tenant, kind: 'application', resource: `${key.project}/${key.application}` },
    { tenant: key.tenant, kind: 'operation', resource: operation.id },
  );
  return operationToWire(operation);
}
