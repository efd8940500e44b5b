import type { NodeSelector, ObjectRef, Resources, Toleration } from '#domain';
import type { Transaction } from '../core/transaction.js';

/** Which nodes pods may go to. */
export interface NodeRules {
  tolerations: readonly Toleration[];
  nodeSelector?: NodeSelector | undefined;
}

/** CPU and memory that best-effort pods are expected to use. */
export interface ExpectedUse {
  mcpu: number;
  memoryBytes: number;
}

export interface Reservation {
  id: string;
  state: 'held' | 'releasing';
  replicas: number;
  perReplica: Resources;
  /** Absent: any node without taints. Written and not read back with holdings. */
  rules?: NodeRules | undefined;
  amount: Resources;
  /** Of best-effort pods, beyond `amount`. */
  expected?: ExpectedUse | undefined;
  /** When it was admitted as it is, by the store's clock, as that writes it; absent: now. */
  admittedAt?: string | undefined;
  workSequence: bigint;
  workGeneration: bigint;
}

export interface HeldObject extends ObjectRef {
  /** Undefined while the work wants it. */
  droppedGeneration: bigint | undefined;
}

/** A work as it stands, with what it reserves and every object that is not confirmed gone. */
export interface Holding {
  workId: string;
  cluster: string;
  tenant: string;
  project: string;
  environment: string;
  application: string;
  applicationUid: string;
  component: string;
  namespace: string;
  releaseNumber: bigint;
  generation: bigint;
  wanted: boolean;
  /** Its application gave way to another, and has not left yet. */
  preempted?: boolean;
  objects: readonly HeldObject[];
  reservations: readonly Reservation[];
}

export interface ApplicationInEnvironment {
  tenant: string;
  project: string;
  environment: string;
  applicationUid: string;
}

interface HoldingRow {
  id: string;
  cluster_id: string;
  tenant_id: string;
  project_id: string;
  environment_id: string;
  application_id: string;
  application_uid: string;
  component: string;
  namespace: string;
  release_number: string;
  generation: string;
  wanted: boolean;
  preempted: boolean;
  objects: (ObjectRef & { droppedGeneration: string | null })[] | null;
  reservations:
    | {
        id: string;
        state: 'held' | 'releasing';
        replicas: number;
        replicaMcpu: number;
        replicaMemoryBytes: number;
        mcpu: number;
        memoryBytes: number;
        pods: number;
        workSequence: string;
        workGeneration: string;
        expected: ExpectedUse | null;
        admittedAt: string | null;
      }[]
    | null;
}

const appColumns = (of: readonly ApplicationInEnvironment[]): [string[], string[], string[], string[]] => [
  of.map((each) => each.tenant),
  of.map((each) => each.project),
  of.map((each) => each.environment),
  of.map((each) => each.applicationUid),
];

const ofApplications = `
  (w.tenant_id, w.project_id, w.environment_id, w.application_uid) IN
    (SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::uuid[]))`;

/** Which clusters hold anything of these applications: their rows have to be locked before the holdings are read. */
export async function clustersHolding(tx: Transaction, of: readonly ApplicationInEnvironment[]): Promise<string[]> {
  const rows = await tx.query<{ cluster_id: string }>(
    `SELECT DISTINCT w.cluster_id FROM works w WHERE ${ofApplications} ORDER BY w.cluster_id`,
    appColumns(of),
  );
  return rows.map((row) => row.cluster_id);
}

/** Works of these applications in these environments, wanted or on their way out. */
export async function readHoldings(tx: Transaction, of: readonly ApplicationInEnvironment[]): Promise<Holding[]> {
  if (of.length === 0) return [];
  const rows = await tx.query<HoldingRow>(
    `SELECT w.id, w.cluster_id, w.tenant_id, w.project_id, w.environment_id, w.application_id, w.application_uid,
       w.component, w.namespace, w.release_number::text, w.generation::text, w.wanted,
       EXISTS (SELECT FROM preempted_works p WHERE p.work_id = w.id) AS preempted,
       (SELECT json_agg(json_build_object('apiVersion', o.api_version, 'kind', o.kind, 'namespace', o.namespace,
            'name', o.name, 'droppedGeneration', o.dropped_generation::text))
        FROM work_objects o WHERE o.work_id = w.id) AS objects,
       (SELECT json_agg(json_build_object('id', r.id, 'state', r.state, 'replicas', r.replicas,
            'replicaMcpu', r.replica_mcpu, 'replicaMemoryBytes', r.replica_memory_bytes, 'mcpu', r.mcpu,
            'memoryBytes', r.memory_bytes, 'pods', r.pods, 'workSequence', r.work_sequence::text,
            'workGeneration', r.work_generation::text, 'admittedAt', r.admitted_at::text, 'expected',
            CASE WHEN r.admitted_at IS NOT NULL THEN json_build_object('mcpu', r.expected_mcpu,
              'memoryBytes', r.expected_memory_bytes) END) ORDER BY r.state, r.id)
        FROM reservations r WHERE r.work_id = w.id) AS reservations
     FROM works w WHERE ${ofApplications} ORDER BY w.cluster_id, w.component`,
    appColumns(of),
  );
  return rows.map(holdingOf);
}

function holdingOf(row: HoldingRow): Holding {
  return {
    workId: row.id,
    cluster: row.cluster_id,
    tenant: row.tenant_id,
    project: row.project_id,
    environment: row.environment_id,
    application: row.application_id,
    applicationUid: row.application_uid,
    component: row.component,
    namespace: row.namespace,
    releaseNumber: BigInt(row.release_number),
    generation: BigInt(row.generation),
    wanted: row.wanted,
    ...(row.preempted ? { preempted: true } : {}),
    objects: (row.objects ?? []).map(({ droppedGeneration, ...ref }) => ({
      ...ref,
      droppedGeneration: droppedGeneration === null ? undefined : BigInt(droppedGeneration),
    })),
    reservations: (row.reservations ?? []).map((each) => ({
      id: each.id,
      state: each.state,
      replicas: each.replicas,
      perReplica: { mcpu: each.replicaMcpu, memoryBytes: each.replicaMemoryBytes, pods: 1 },
      amount: { mcpu: each.mcpu, memoryBytes: each.memoryBytes, pods: each.pods },
      workSequence: BigInt(each.workSequence),
      workGeneration: BigInt(each.workGeneration),
      ...(each.expected === null ? {} : { expected: each.expected, admittedAt: each.admittedAt ?? undefined }),
    })),
  };
}
