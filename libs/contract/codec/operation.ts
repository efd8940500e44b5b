import { create } from '@bufbuild/protobuf';
import * as wire from '../wire.js';
import { operationName } from './names.js';
import { defined } from './optional.js';
import { type StoredTime, timestampIfAny, timestampOf } from './time.js';

/** Long work, as it is stored. `error` has google.rpc.Status' code and message. */
export interface OperationView {
  id: string;
  /** Undefined: the fleet's. */
  tenant: string | undefined;
  kind: string;
  target: string;
  done: boolean;
  completedSteps: bigint;
  totalSteps: bigint;
  message: string;
  error: { code: number; message: string } | undefined;
  createdAt: StoredTime;
  endedAt: StoredTime | null;
}

export const operationToWire = (view: OperationView): wire.Operation =>
  create(wire.OperationSchema, {
    name: operationName(view.tenant, view.id),
    kind: view.kind,
    target: view.target,
    done: view.done,
    completedSteps: view.completedSteps,
    totalSteps: view.totalSteps,
    message: view.message,
    createTime: timestampOf(view.createdAt),
    ...defined({ endTime: timestampIfAny(view.endedAt), error: view.error }),
  });
