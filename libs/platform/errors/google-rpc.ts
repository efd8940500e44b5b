export {
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
} from '../../contract/gen/google/rpc/error_details_pb.js';
export { type Status, StatusSchema } from '../../contract/gen/google/rpc/status_pb.js';
