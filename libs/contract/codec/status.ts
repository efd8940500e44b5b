import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { Findings, Freshness, ObjectStatus, ReleasePhase, ReplicaCounts, RunPhase } from '#domain';
import * as wire from '../wire.js';
import { freshnessToWire, releasePhaseToWire, runPhaseToWire } from './enums.js';
import { findingsToWire } from './findings.js';
import { applicationName, clusterName, releaseName } from './names.js';
import { defined } from './optional.js';
import { type StoredTime, timestampIfAny, timestampOf } from './time.js';

/** Why something is not as it should be, as tenants read it. */
export interface ReasonView {
  reason: string;
  message: string;
  count: number;
  facts: Readonly<Record<string, string>>;
}

export interface ClusterComponentView {
  cluster: string;
  phase: RunPhase;
  freshness: Freshness;
  replicas: ReplicaCounts;
  reasons: readonly ReasonView[];
  objects: readonly ObjectStatus[];
  findings: Findings;
  /** Absent while nothing was reported. */
  reportedAt: StoredTime | undefined;
}

export interface ComponentView {
  component: string;
  phase: RunPhase;
  replicas: ReplicaCounts;
  reasons: readonly ReasonView[];
  clusters: readonly ClusterComponentView[];
}

export interface ReleaseView {
  tenant: string;
  project: string;
  environment: string;
  number: bigint;
  application: string;
  revision: bigint;
  configVersion: bigint;
  author: string;
  phase: ReleasePhase;
  incarnation: string;
  generation: bigint;
  createdAt: StoredTime;
  deadline: StoredTime | null;
  priority: number;
}

const clusterToWire = (view: ClusterComponentView): MessageInitShape<typeof wire.ClusterComponentStatusSchema> => ({
  cluster: clusterName(view.cluster),
  phase: runPhaseToWire[view.phase],
  freshness: freshnessToWire[view.freshness],
  replicas: view.replicas,
  reasons: view.reasons.map(reasonToWire),
  objects: view.objects.map((each): MessageInitShape<typeof wire.ObjectStatusSchema> => ({ ...each })),
  ...findingsToWire(view.findings),
  ...defined({ reportTime: timestampIfAny(view.reportedAt) }),
});

const reasonToWire = ({ reason, message, count, facts }: ReasonView): MessageInitShape<typeof wire.ReasonSchema> => ({
  reason,
  message,
  count,
  facts: { ...facts },
});

export const componentStatusToWire = (view: ComponentView): MessageInitShape<typeof wire.ComponentStatusSchema> => ({
  component: view.component,
  phase: runPhaseToWire[view.phase],
  replicas: view.replicas,
  reasons: view.reasons.map(reasonToWire),
  clusters: view.clusters.map(clusterToWire),
});

export const releaseToWire = (view: ReleaseView): wire.Release =>
  create(wire.ReleaseSchema, {
    name: releaseName(view.tenant, view.project, view.environment, view.number),
    number: view.number,
    application: applicationName(view.tenant, view.project, view.application),
    revision: view.revision,
    configVersion: view.configVersion,
    author: view.author,
    phase: releasePhaseToWire[view.phase],
    generation: { incarnation: view.incarnation, sequence: view.generation },
    createTime: timestampOf(view.createdAt),
    ...defined({ deadline: timestampIfAny(view.deadline) }),
    priority: view.priority,
  });
