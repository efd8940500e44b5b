import { create, type DescMessage, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError } from '@connectrpc/connect';
import { Metadata, type ServerErrorResponse } from '@grpc/grpc-js';
import { DomainError } from '#domain';
import type { Logger } from '../log/logger.js';
import { CallAborted } from './aborted.js';
import { type RpcCode, rpcCodeName, rpcCodes } from './codes.js';
import {
  BadRequestSchema,
  ErrorInfoSchema,
  PreconditionFailureSchema,
  QuotaFailureSchema,
  RetryInfoSchema,
  StatusSchema,
} from './google-rpc.js';
import { sendableDetails, sendableMessage } from './trailer-room.js';

const errorDomain = 'berth.dev';
/** What a detail's type and its place in the list cost. */
const anyOverheadBytes = 100;

interface Detail<D extends DescMessage = DescMessage> {
  desc: D;
  value: MessageInitShape<D>;
}

/** What a failed call answers, before a protocol has given it its form. */
export interface RpcStatus {
  readonly code: RpcCode;
  readonly message: string;
  readonly details: readonly Detail[];
}

const detail = <D extends DescMessage>(desc: D, value: MessageInitShape<D>): Detail => ({
  desc,
  value: create(desc, value),
});

const durationOf = (ms: number) => ({
  seconds: BigInt(Math.floor(ms / 1000)),
  nanos: Math.round(ms % 1000) * 1_000_000,
});

const detailsOf = (error: DomainError): Detail[] => {
  const details = [
    detail(ErrorInfoSchema, { reason: error.reason, domain: errorDomain, metadata: { ...error.metadata } }),
  ];
  if (error.fieldViolations.length > 0) {
    const fieldViolations = error.fieldViolations.map(({ field, description }) => ({ field, description }));
    details.push(detail(BadRequestSchema, { fieldViolations }));
  }
  if (error.quotaViolations.length > 0) {
    const violations = error.quotaViolations.map(({ subject, description }) => ({ subject, description }));
    details.push(detail(QuotaFailureSchema, { violations }));
  }
  if (error.code === 'FAILED_PRECONDITION' || error.code === 'ABORTED') {
    const subject = error.metadata.name ?? '';
    details.push(
      detail(PreconditionFailureSchema, { violations: [{ type: error.reason, subject, description: error.message }] }),
    );
  }
  if (error.retryAfterMs !== undefined) {
    details.push(detail(RetryInfoSchema, { retryDelay: durationOf(error.retryAfterMs) }));
  }
  return details;
};

/**
 * Turns whatever a handler throws into what its caller may know. A DomainError is told in full; of anything else the
 * caller gets INTERNAL with an id, under which the log has the stack.
 */
export const errorMapper =
  (log: Logger, newErrorId: () => string) =>
  (error: unknown, method: string): RpcStatus => {
    if (error instanceof DomainError) {
      if (error.code === 'INTERNAL') log.error({ err: error, method }, 'call failed');
      return { code: error.code, message: error.message, details: detailsOf(error) };
    }
    if (error instanceof CallAborted) return { code: error.code, message: error.message, details: [] };
    if (error instanceof ConnectError) {
      return { code: rpcCodeName(error.code), message: error.rawMessage, details: [] };
    }
    const errorId = newErrorId();
    log.error({ err: error, errorId, method }, 'call failed for a reason that is not the caller’s');
    const info = { reason: 'INTERNAL', domain: errorDomain, metadata: { error_id: errorId } };
    return {
      code: 'INTERNAL',
      message: `internal error ${errorId}; the server's log says more`,
      details: [detail(ErrorInfoSchema, info)],
    };
  };

/**
 * The status as grpc-js sends it, with the details in the trailer `grpc-status-details-bin`. A message that is too long
 * is cut, and details that are too large are left out.
 */
export const toGrpcError = (status: RpcStatus): ServerErrorResponse => {
  const metadata = new Metadata();
  const message = sendableMessage(status.message);
  const packed = status.details.map(({ desc, value }) => anyPack(desc, create(desc, value)));
  const details = sendableDetails(message, packed, ({ value }) => value.byteLength + anyOverheadBytes);
  if (details.length > 0) {
    const wire = create(StatusSchema, { code: rpcCodes[status.code], message, details });
    metadata.set('grpc-status-details-bin', Buffer.from(toBinary(StatusSchema, wire)));
  }
  const fields = { code: rpcCodes[status.code], details: message, metadata };
  return Object.assign(new Error(message), fields);
};

/** The status as Connect and gRPC-Web send it, with the same details. */
export const toConnectError = (status: RpcStatus): ConnectError => {
  const code: Code = status.code === 'OK' ? Code.Unknown : rpcCodes[status.code];
  return new ConnectError(status.message, code, undefined, [...status.details]);
};
