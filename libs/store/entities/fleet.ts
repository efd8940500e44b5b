import { EntitySchema } from 'typeorm';
import type { ClusterPhase, Taint } from '#domain';
import { big, bytes, flag, integer, json, key, moment, optional, stamp, text, texts } from './columns.js';

export interface ClusterRow {
  id: string;
  version: bigint;
  region: string;
  zone: string;
  provider: string;
  labels: Record<string, string>;
  taints: Taint[];
  taintsSince: Record<string, number>;
  cordoned: boolean;
  oversubscribeMcpuPermille: number;
  oversubscribeMemoryPermille: number;
  coreHourMicros: bigint | null;
  gibHourMicros: bigint | null;
  carbonIntensity: number | null;
  jurisdictions: string[];
  nodeScoring: string;
  phase: ClusterPhase;
  createdAt: Date;
  updatedAt: Date;
}

export const clusterEntity = new EntitySchema<ClusterRow>({
  name: 'Cluster',
  tableName: 'clusters',
  columns: {
    id: text('id', key),
    version: big('version', { default: 1 }),
    region: text('region', { default: '' }),
    zone: text('zone', { default: '' }),
    provider: text('provider', { default: '' }),
    labels: json('labels', { default: {} }),
    taints: json('taints', { default: [] }),
    taintsSince: json('taints_since', { default: {} }),
    cordoned: flag('cordoned', { default: false }),
    oversubscribeMcpuPermille: integer('oversubscribe_mcpu_permille', { default: 1000 }),
    oversubscribeMemoryPermille: integer('oversubscribe_memory_permille', { default: 1000 }),
    coreHourMicros: big('core_hour_micros', optional),
    gibHourMicros: big('gib_hour_micros', optional),
    carbonIntensity: integer('carbon_intensity', optional),
    jurisdictions: texts('jurisdictions', { default: [] }),
    nodeScoring: text('node_scoring', { default: 'least-allocated' }),
    phase: text('phase', { default: 'pending' }),
    createdAt: stamp('created_at'),
    updatedAt: stamp('updated_at'),
  },
});

export interface CertificateRow {
  serial: string;
  firstSerial: string;
  cluster: string;
  issuedAt: Date;
  expiresAt: Date;
  revokedAt: Date | null;
}

export const certificateEntity = new EntitySchema<CertificateRow>({
  name: 'Certificate',
  tableName: 'certificates',
  columns: {
    serial: text('serial', key),
    firstSerial: text('first_serial'),
    cluster: text('cluster_id'),
    issuedAt: stamp('issued_at'),
    expiresAt: moment('expires_at'),
    revokedAt: moment('revoked_at', optional),
  },
});

export interface EnrolmentTokenRow {
  id: string;
  cluster: string;
  secretHash: Buffer;
  createdAt: Date;
  expiresAt: Date;
  usedAt: Date | null;
  voidedAt: Date | null;
}

export const enrolmentTokenEntity = new EntitySchema<EnrolmentTokenRow>({
  name: 'EnrolmentToken',
  tableName: 'enrolment_tokens',
  columns: {
    id: text('id', key),
    cluster: text('cluster_id'),
    secretHash: bytes('secret_hash'),
    createdAt: stamp('created_at'),
    expiresAt: moment('expires_at'),
    usedAt: moment('used_at', optional),
    voidedAt: moment('voided_at', optional),
  },
});
