import { fromBinary } from '@bufbuild/protobuf';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { type RpcCode, rpcCodeName } from './codes.js';
import {
  type BadRequest,
  BadRequestSchema,
  type ErrorInfo,
  ErrorInfoSchema,
  type PreconditionFailure,
  PreconditionFailureSchema,
  type QuotaFailure,
  QuotaFailureSchema,
  type RetryInfo,
  RetryInfoSchema,
  type Status,
  StatusSchema,
} from './google-rpc.js';

/** The machine-readable details that came with an error; what the peer did not send is absent. */
export interface RpcErrorDetails {
  errorInfo?: ErrorInfo | undefined;
  badRequest?: BadRequest | undefined;
  quotaFailure?: QuotaFailure | undefined;
  preconditionFailure?: PreconditionFailure | undefined;
  retryInfo?: RetryInfo | undefined;
}

/** A call that failed, as its caller sees it. */
export class RpcError extends Error {
  override readonly name = 'RpcError';

  constructor(
    readonly code: RpcCode,
    message: string,
    readonly details: RpcErrorDetails = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

const unpack = (status: Status): RpcErrorDetails => {
  const details: RpcErrorDetails = {};
  for (const any of status.details) {
    details.errorInfo ??= anyUnpack(any, ErrorInfoSchema);
    details.badRequest ??= anyUnpack(any, BadRequestSchema);
    details.quotaFailure ??= anyUnpack(any, QuotaFailureSchema);
    details.preconditionFailure ??= anyUnpack(any, PreconditionFailureSchema);
    details.retryInfo ??= anyUnpack(any, RetryInfoSchema);
  }
  return details;
};

/** Makes the caller's error from a gRPC status and the bytes of its `grpc-status-details-bin` trailer, if any. */
export const rpcErrorFromStatus = (
  code: number,
  message: string,
  detailsBin: Uint8Array | undefined,
  cause?: unknown,
): RpcError => {
  const details = detailsBin === undefined ? {} : unpack(fromBinary(StatusSchema, detailsBin));
  return new RpcError(rpcCodeName(code), message, details, { cause });
};
