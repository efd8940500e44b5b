import { create } from '@bufbuild/protobuf';
import {
  type ClusterSettings,
  clusterName,
  clusterSettingsFromWire,
  clusterToWire,
  operationToWire,
  wire,
} from '#contract';
import {
  AlreadyExists,
  dnsLabel,
  EtagMismatch,
  type Ids,
  InvalidRequest,
  type JsonValue,
  NotFound,
  PreconditionFailed,
} from '#domain';
import {
  deleteCluster,
  insertCluster,
  insertOperation,
  lockCluster,
  readCluster,
  revokeAgent,
  revokeCertificates,
  type StoredCluster,
  type Transaction,
  updateCluster,
  voidEnrolmentTokens,
} from '#store';
import type { EnrolmentPoint } from '../parts.js';
import { type EnrolmentTokenInit, issueToken } from './tokens.js';

/** Who asks, and under which request id. */
export interface Asked {
  actor: string;
  requestId: string;
}

const settingsOf = (cluster: StoredCluster): ClusterSettings => {
  const { region, zone, provider, labels, taints, cordoned, overSubscription } = cluster;
  const { price, carbonIntensity, jurisdictions, nodeScoring } = cluster;
  return {
    ...{ region, zone, provider, labels, taints, cordoned, overSubscription },
    ...{ price, carbonIntensity, jurisdictions, nodeScoring },
  };
};

const settingsJson = ({
  price,
  carbonIntensity,
  jurisdictions,
  nodeScoring,
  ...settings
}: ClusterSettings): JsonValue => ({
  ...settings,
  labels: { ...settings.labels },
  taints: settings.taints.map((taint) => ({ ...taint })),
  overSubscription: { ...settings.overSubscription },
  ...(price === undefined ? {} : { price: { ...price } }),
  ...(carbonIntensity === undefined ? {} : { carbonIntensity }),
  ...(jurisdictions === undefined ? {} : { jurisdictions: [...jurisdictions] }),
  ...(nodeScoring === undefined ? {} : { nodeScoring }),
});

async function record(
  tx: Transaction,
  { actor, requestId }: Asked,
  change: { action: string; cluster: string; before: JsonValue; after: JsonValue },
): Promise<void> {
  const { action, cluster, before, after } = change;
  await tx.audit.append({ tenant: undefined, actor, action, target: clusterName(cluster), requestId, before, after });
  await tx.outbox.append({ tenant: undefined, kind: 'cluster', resource: cluster });
}

async function lockExisting(tx: Transaction, id: string): Promise<StoredCluster> {
  const cluster = await lockCluster(tx, id);
  if (cluster === undefined) throw new NotFound({ kind: 'cluster', name: clusterName(id) });
  return cluster;
}

async function readExisting(tx: Transaction, id: string): Promise<wire.Cluster> {
  const cluster = await readCluster((sql, parameters) => tx.query(sql, parameters), id);
  if (cluster === undefined) throw new NotFound({ kind: 'cluster', name: clusterName(id) });
  return clusterToWire(cluster);
}

function checkEtag(cluster: StoredCluster, etag: string): void {
  const current = `${cluster.version}`;
  if (etag !== '' && etag !== current) throw new EtagMismatch({ name: clusterName(cluster.id), sent: etag, current });
}

export interface IssuingParts {
  ids: Ids;
  enrolment: EnrolmentPoint;
}

/** Registers a cluster and makes the token with which its agent enrols. */
export async function registerCluster(
  tx: Transaction,
  request: wire.RegisterClusterRequest,
  parts: IssuingParts,
  asked: Asked,
): Promise<{ cluster: wire.Cluster; enrolmentToken: EnrolmentTokenInit }> {
  const { clusterId: id } = request;
  if (!dnsLabel.test(id))
    throw new InvalidRequest([
      {
        field: 'cluster_id',
        description: `found "${id.slice(0, 80)}"; allowed are 1 to 63 of a-z, 0-9 and "-", starting and ending alphanumeric`,
      },
    ]);
  const settings = clusterSettingsFromWire(request.cluster);
  if (!(await insertCluster(tx, id, settings)))
    throw new AlreadyExists({
      kind: 'cluster',
      name: clusterName(id),
      hint: 'CreateEnrolmentToken makes another token for its agent',
    });
  const { answer: enrolmentToken } = await issueToken(tx, id, parts);
  await record(tx, asked, { action: 'clusters.register', cluster: id, before: null, after: settingsJson(settings) });
  return { cluster: await readExisting(tx, id), enrolmentToken };
}

export async function createEnrolmentToken(
  tx: Transaction,
  id: string,
  parts: IssuingParts,
  asked: Asked,
): Promise<EnrolmentTokenInit> {
  await lockExisting(tx, id);
  const token = await issueToken(tx, id, parts);
  const after = { token: token.id, expires: token.expiresAt.toISOString() };
  await record(tx, asked, { action: 'clusters.createEnrolmentToken', cluster: id, before: null, after });
  return token.answer;
}

/** Fields that a mask may name, with what each takes over. */
const updatable: Readonly<Record<string, (to: ClusterSettings, from: ClusterSettings) => ClusterSettings>> = {
  region: (to, { region }) => ({ ...to, region }),
  zone: (to, { zone }) => ({ ...to, zone }),
  provider: (to, { provider }) => ({ ...to, provider }),
  labels: (to, { labels }) => ({ ...to, labels }),
  taints: (to, { taints }) => ({ ...to, taints }),
  cordoned: (to, { cordoned }) => ({ ...to, cordoned }),
  over_subscription: (to, { overSubscription }) => ({ ...to, overSubscription }),
  price: (to, { price }) => ({ ...to, price }),
  carbon_intensity: (to, { carbonIntensity }) => ({ ...to, carbonIntensity }),
  jurisdictions: (to, { jurisdictions }) => ({ ...to, jurisdictions }),
  node_scoring: (to, { nodeScoring }) => ({ ...to, nodeScoring }),
};

function masked(before: ClusterSettings, request: wire.UpdateClusterRequest): ClusterSettings {
  const paths = request.updateMask?.paths ?? [];
  const allowed = Object.keys(updatable).join(', ');
  if (paths.length === 0)
    throw new InvalidRequest([{ field: 'update_mask', description: `found nothing; allowed are ${allowed}` }]);
  const wrong = paths.filter((path) => !Object.hasOwn(updatable, path));
  if (wrong.length > 0)
    throw new InvalidRequest(
      wrong.map((path) => ({ field: 'update_mask', description: `found "${path}"; allowed are ${allowed}` })),
    );
  const from = clusterSettingsFromWire(request.cluster);
  return paths.reduce((settings, path) => updatable[path]?.(settings, from) ?? settings, before);
}

export async function changeCluster(
  tx: Transaction,
  id: string,
  request: wire.UpdateClusterRequest,
  asked: Asked,
): Promise<wire.Cluster> {
  const cluster = await lockExisting(tx, id);
  checkEtag(cluster, request.cluster?.etag ?? '');
  const before = settingsOf(cluster);
  const after = masked(before, request);
  await updateCluster(tx, id, after);
  await record(tx, asked, {
    action: 'clusters.update',
    cluster: id,
    before: settingsJson(before),
    after: settingsJson(after),
  });
  return await readExisting(tx, id);
}

/** Whatever the cluster's agent could show counts no more; the hub that holds its line hears of it by the outbox. */
export async function cutOffAgent(tx: Transaction, id: string, asked: Asked): Promise<wire.RevokeAgentResponse> {
  await lockExisting(tx, id);
  const voidedTokens = await voidEnrolmentTokens(tx, id);
  const revokedCertificates = await revokeAgent(tx, id);
  const after = { certificates_revoked: revokedCertificates, tokens_voided: voidedTokens };
  await record(tx, asked, { action: 'clusters.revokeAgent', cluster: id, before: null, after });
  return create(wire.RevokeAgentResponseSchema, { revokedCertificates, voidedTokens });
}

/**
 * Retires a cluster that holds nothing; its agent's certificates count no more.
 *
 * @throws PreconditionFailed while it still holds work.
 */
export async function removeCluster(
  tx: Transaction,
  id: string,
  { request, ids, asked }: { request: wire.RemoveClusterRequest; ids: Ids; asked: Asked },
): Promise<wire.Operation> {
  const cluster = await lockExisting(tx, id);
  checkEtag(cluster, request.etag);
  const name = clusterName(id);
  const holds = new PreconditionFailed(
    'CLUSTER_HOLDS_WORK',
    `"${name}" still holds work (${cluster.reserved.pods} pods reserved); cordon it and move or delete what it holds first`,
    { name, reserved_pods: `${cluster.reserved.pods}` },
  );
  if (cluster.reserved.pods > 0 || !(await deleteCluster(tx, id))) throw holds;
  const certificates = await revokeCertificates(tx, id);
  const operation = await insertOperation(tx, {
    id: ids.uuid(),
    tenant: undefined,
    kind: 'clusters.remove',
    target: name,
    subject: id,
    done: true,
    totalSteps: 1,
    message: '',
    deadlineMs: 0,
  });
  const before = settingsJson(settingsOf(cluster));
  await record(tx, asked, {
    action: 'clusters.remove',
    cluster: id,
    before,
    after: { certificates_revoked: certificates },
  });
  await tx.outbox.append({ tenant: undefined, kind: 'operation', resource: operation.id });
  return operationToWire(operation);
}

/** The part of an answer that may be kept for a repetition: the token is shown once. */
export const withoutToken = (answer: wire.RegisterClusterResponse): wire.RegisterClusterResponse =>
  create(wire.RegisterClusterResponseSchema, {
    ...answer,
    ...(answer.enrolmentToken === undefined ? {} : { enrolmentToken: { ...answer.enrolmentToken, token: '' } }),
  });
