import { rpc } from '#contract';

/** google.rpc's error model, of all that #contract has the only part that the platform knows. */
export const {
  BadRequestSchema,
  ErrorInfoSchema,
  PreconditionFailureSchema,
  QuotaFailureSchema,
  RetryInfoSchema,
  StatusSchema,
} = rpc;
export type BadRequest = rpc.BadRequest;
export type ErrorInfo = rpc.ErrorInfo;
export type PreconditionFailure = rpc.PreconditionFailure;
export type QuotaFailure = rpc.QuotaFailure;
export type RetryInfo = rpc.RetryInfo;
export type Status = rpc.Status;
