import type { Millis } from '#domain';

/** Who owns a field that Berth wanted to set. */
export interface FieldOwner {
  manager: string;
  /** As the server writes it: `.spec.replicas`. */
  fieldPath: string;
}

export interface InvalidField {
  field: string;
  reason: string;
  message: string;
}

/** A field that the server's schema lacks, or a keyed list whose element omits a key without default. */
export interface UndeclaredField {
  /** `.spec.template.spec.containers[name="c"].readinessProbe.grpc` */
  fieldPath: string;
  missingKey: string | undefined;
}

/** The call that failed: `PATCH /api/v1/namespaces/x`, and the HTTP status if there was an answer. */
export interface CallFact {
  call: string;
  status?: number | undefined;
}

/** Everything that a call to a member cluster can fail with. `tag` tells them apart where classes cannot. */
export abstract class KubeError extends Error {
  abstract readonly tag: string;
  /** Whether the same call could succeed a little later. */
  readonly passing: boolean = false;
  readonly call: string;
  readonly status: number | undefined;

  constructor(fact: CallFact, message: string, options?: ErrorOptions) {
    super(`${fact.call}: ${message}`, options);
    this.name = new.target.name;
    this.call = fact.call;
    this.status = fact.status;
  }
}

/** The object, its namespace or its kind is not there. */
export class ObjectNotFound extends KubeError {
  readonly tag = 'not-found';
}

/** Other managers own fields that this apply would change. */
export class FieldManagerConflict extends KubeError {
  readonly tag = 'field-manager-conflict';
  readonly owners: readonly FieldOwner[];

  constructor(fact: CallFact & { owners: readonly FieldOwner[] }) {
    super(fact, `other managers own ${fact.owners.map((o) => `${o.fieldPath} (${o.manager})`).join(', ')}`);
    this.owners = fact.owners;
  }
}

/** A uid or resourceVersion in the request is not the stored one, or the object exists already. */
export class PreconditionConflict extends KubeError {
  readonly tag = 'precondition-conflict';
}

export class InvalidObject extends KubeError {
  readonly tag = 'invalid';
  readonly fields: readonly InvalidField[];

  constructor(fact: CallFact & { fields: readonly InvalidField[] }, message: string) {
    super(fact, message);
    this.fields = fact.fields;
  }
}

/** More than the server, or the store behind it, takes of one object. */
export class ObjectTooLarge extends KubeError {
  readonly tag = 'too-large';
}

/** The server's schema does not know what the manifest says. */
export class SchemaRefusal extends KubeError {
  readonly tag = 'schema-mismatch';
  readonly fields: readonly UndeclaredField[];

  constructor(fact: CallFact & { fields: readonly UndeclaredField[] }) {
    const describe = (field: UndeclaredField): string =>
      field.missingKey === undefined
        ? `${field.fieldPath} is not in the server's schema`
        : `an element of ${field.fieldPath} omits its key "${field.missingKey}"`;
    super(fact, fact.fields.map(describe).join('; '));
    this.fields = fact.fields;
  }
}

/** The namespace is being deleted and takes nothing new. */
export class NamespaceTerminating extends KubeError {
  readonly tag = 'namespace-terminating';
}

/** A ResourceQuota of the namespace has no room for this, until it grows or something goes. */
export class NamespaceQuotaExceeded extends KubeError {
  readonly tag = 'quota-exceeded';
}

export class AccessForbidden extends KubeError {
  readonly tag = 'forbidden';
}

/** The credentials are unknown to the server, or have expired. */
export class CredentialsRefused extends KubeError {
  readonly tag = 'credentials-refused';
}

export class TooManyRequests extends KubeError {
  readonly tag = 'too-many-requests';
  override readonly passing = true;
  readonly retryAfterMs: Millis | undefined;

  constructor(fact: CallFact & { retryAfterMs: Millis | undefined }) {
    super(fact, 'the server asks to slow down');
    this.retryAfterMs = fact.retryAfterMs;
  }
}

/** The resourceVersion or continue token is older than what the server keeps (410, in an answer or in a watch). */
export class VersionExpired extends KubeError {
  readonly tag = 'expired';
}

/** No answer: refused, reset, unresolved, or late. */
export class ClusterUnreachable extends KubeError {
  readonly tag = 'unreachable';
  override readonly passing = true;
}

/** The server answers 5xx, or something that no other class stands for. */
export class ServerFault extends KubeError {
  readonly tag = 'server-fault';
  override readonly passing: boolean;

  constructor(fact: CallFact, message: string) {
    super(fact, message);
    this.passing = (fact.status ?? 0) >= 500 && fact.status !== 501;
  }
}

/** The answer is not the JSON that the API promises: a proxy's page, a truncated body. */
export class GarbledAnswer extends KubeError {
  readonly tag = 'garbled';
  override readonly passing = true;
}

/** Used after `close()`. */
export class ClientClosed extends KubeError {
  readonly tag = 'closed';
}

export const isNotFound = (error: unknown): error is ObjectNotFound => error instanceof ObjectNotFound;
