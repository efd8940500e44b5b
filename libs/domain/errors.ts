/**
 * Errors name the fact and carry its numbers. Each knows the canonical gRPC code it becomes; one mapper
 * (libs/platform) turns them into statuses with google.rpc details, and nothing else does.
 */
export type CanonicalCode =
  | 'INVALID_ARGUMENT'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'FAILED_PRECONDITION'
  | 'ABORTED'
  | 'OUT_OF_RANGE'
  | 'RESOURCE_EXHAUSTED'
  | 'PERMISSION_DENIED'
  | 'UNAUTHENTICATED'
  | 'UNIMPLEMENTED'
  | 'UNAVAILABLE'
  | 'DEADLINE_EXCEEDED'
  | 'INTERNAL';

/** One wrong field: its path in the request (`spec.components[2].replicas`) and what was found and is allowed. */
export interface FieldViolation {
  field: string;
  description: string;
}

export interface QuotaViolation {
  subject: string;
  description: string;
}

export abstract class DomainError extends Error {
  abstract readonly code: CanonicalCode;
  /** UPPER_SNAKE_CASE, for google.rpc.ErrorInfo. Part of the API: never renamed. */
  abstract readonly reason: string;
  /** The facts, for google.rpc.ErrorInfo. */
  readonly metadata: Readonly<Record<string, string>> = {};
  readonly fieldViolations: readonly FieldViolation[] = [];
  readonly quotaViolations: readonly QuotaViolation[] = [];
  /** When trying again could help, in milliseconds. */
  readonly retryAfterMs: number | undefined = undefined;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

export class InvalidRequest extends DomainError {
  readonly code = 'INVALID_ARGUMENT';
  readonly reason = 'INVALID_REQUEST';
  override readonly fieldViolations: readonly FieldViolation[];

  constructor(violations: readonly FieldViolation[]) {
    super(violations.map((violation) => `${violation.field}: ${violation.description}`).join('; '));
    this.fieldViolations = violations;
  }
}

export class InvalidQuantity extends DomainError {
  readonly code = 'INVALID_ARGUMENT';
  readonly reason = 'INVALID_QUANTITY';

  constructor(fact: { found: string }) {
    super(`"${fact.found}" is not a quantity; allowed are numbers with an optional suffix, like 250m, 1.5, 64Mi, 2G`);
  }
}

/** Something named in a request does not exist, or does not exist for this caller: the two are never told apart. */
export class NotFound extends DomainError {
  readonly code = 'NOT_FOUND';
  readonly reason = 'RESOURCE_NOT_FOUND';
  override readonly metadata: Readonly<Record<string, string>>;

  constructor(fact: { kind: string; name: string }) {
    super(`${fact.kind} "${fact.name}" was not found`);
    this.metadata = { kind: fact.kind, name: fact.name };
  }
}

export class AlreadyExists extends DomainError {
  readonly code = 'ALREADY_EXISTS';
  readonly reason = 'RESOURCE_ALREADY_EXISTS';
  override readonly metadata: Readonly<Record<string, string>>;

  constructor(fact: { kind: string; name: string; hint?: string }) {
    super(`${fact.kind} "${fact.name}" already exists${fact.hint === undefined ? '' : `; ${fact.hint}`}`);
    this.metadata = { kind: fact.kind, name: fact.name };
  }
}

/** The resource has changed since the caller read it. */
export class EtagMismatch extends DomainError {
  readonly code = 'ABORTED';
  readonly reason = 'ETAG_MISMATCH';
  override readonly metadata: Readonly<Record<string, string>>;

  constructor(fact: { name: string; sent: string; current: string }) {
    super(
      `etag of "${fact.name}" is "${fact.current}", the request was made for "${fact.sent}"; read it again and repeat`,
    );
    this.metadata = { name: fact.name, sent: fact.sent, current: fact.current };
  }
}

/** What was planned is not what would be done now; nothing was. */
export class PlanOutdated extends DomainError {
  readonly code = 'ABORTED';
  readonly reason = 'PLAN_OUTDATED';
  override readonly metadata: Readonly<Record<string, string>>;

  /** `differences`: a clause each, as `web in north: planned 3, now 2`. */
  constructor(fact: { name: string; differences: readonly string[] }) {
    const shown = fact.differences.slice(0, 10);
    const more = fact.differences.length - shown.length;
    const list = `${shown.join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
    super(`the plan for "${fact.name}" does not hold any more, nothing was changed: ${list}. Plan again`);
    this.metadata = { name: fact.name, differences: list };
  }
}

/** A request id was used before with another request. */
export class RequestIdReused extends DomainError {
  readonly code = 'FAILED_PRECONDITION';
  readonly reason = 'REQUEST_ID_REUSED';

  constructor(fact: { requestId: string }) {
    super(`request_id "${fact.requestId}" was used for a different request; use a new one for each change`);
  }
}

export class PreconditionFailed extends DomainError {
  readonly code = 'FAILED_PRECONDITION';
  readonly reason: string;
  override readonly metadata: Readonly<Record<string, string>>;

  constructor(reason: string, message: string, metadata: Readonly<Record<string, string>> = {}) {
    super(message);
    this.reason = reason;
    this.metadata = metadata;
  }
}

export class QuotaExceeded extends DomainError {
  readonly code = 'RESOURCE_EXHAUSTED';
  readonly reason = 'QUOTA_EXCEEDED';
  override readonly quotaViolations: readonly QuotaViolation[];

  constructor(fact: { subject: string; resource: string; asked: string; left: string }) {
    super(`${fact.subject} has ${fact.left} ${fact.resource} left of its quota, ${fact.asked} was asked for`);
    this.quotaViolations = [{ subject: fact.subject, description: this.message }];
  }
}

export class Unauthenticated extends DomainError {
  readonly code = 'UNAUTHENTICATED';
  readonly reason: string;

  constructor(reason: string, message: string) {
    super(message);
    this.reason = reason;
  }
}

export class PermissionDenied extends DomainError {
  readonly code = 'PERMISSION_DENIED';
  readonly reason = 'PERMISSION_DENIED';
  override readonly metadata: Readonly<Record<string, string>>;

  constructor(fact: { permission: string; principal: string; on?: string; role?: string; roles?: readonly string[] }) {
    const role = fact.role === undefined ? '' : `, whose role is ${fact.role},`;
    const needed = fact.roles === undefined ? '' : `; ${fact.roles.join(' or ')} may`;
    super(
      `${fact.principal}${role} lacks "${fact.permission}"${fact.on === undefined ? '' : ` on ${fact.on}`}${needed}`,
    );
    this.metadata = { permission: fact.permission };
  }
}

/** What isn't built says so, so that nobody mistakes silence for success. */
export class NotBuilt extends DomainError {
  readonly code = 'UNIMPLEMENTED';
  readonly reason = 'NOT_IMPLEMENTED';
  override readonly fieldViolations: readonly FieldViolation[];

  constructor(violations: readonly FieldViolation[]) {
    super(violations.map((violation) => `${violation.field}: ${violation.description}`).join('; '));
    this.fieldViolations = violations;
  }
}

/** Something Berth itself needs (database, queue, another process) does not answer. */
export class Unavailable extends DomainError {
  readonly code = 'UNAVAILABLE';
  readonly reason = 'DEPENDENCY_UNAVAILABLE';
  override readonly retryAfterMs = 1000;

  constructor(fact: { dependency: string }, options?: ErrorOptions) {
    super(`${fact.dependency} does not answer; try again`, options);
  }
}

/** A resume token or sequence belongs to another life of the store, or to history that is gone. */
export class TokenExpired extends DomainError {
  readonly code = 'OUT_OF_RANGE';
  readonly reason = 'RESUME_TOKEN_EXPIRED';

  constructor(fact: { token: string }) {
    super(`resume token "${fact.token}" is no longer served; list again and watch from there`);
  }
}
