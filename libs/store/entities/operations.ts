import { EntitySchema } from 'typeorm';
import type { JsonValue } from '#domain';
import { big, flag, json, key, moment, optional, stamp, text, uuid } from './columns.js';

export interface OperationRow {
  id: string;
  tenant: string | null;
  kind: string;
  target: string;
  subject: string;
  done: boolean;
  completedSteps: bigint;
  totalSteps: bigint;
  message: string;
  error: JsonValue;
  createdAt: Date;
  deadline: Date | null;
  endedAt: Date | null;
}

export const operationEntity = new EntitySchema<OperationRow>({
  name: 'Operation',
  tableName: 'operations',
  columns: {
    id: uuid('id', key),
    tenant: text('tenant_id', optional),
    kind: text('kind'),
    target: text('target'),
    subject: text('subject', { default: '' }),
    done: flag('done', { default: false }),
    completedSteps: big('completed_steps', { default: 0 }),
    totalSteps: big('total_steps', { default: 0 }),
    message: text('message', { default: '' }),
    error: json('error', optional),
    createdAt: stamp('created_at'),
    deadline: moment('deadline', optional),
    endedAt: moment('ended_at', optional),
  },
});
