import { isJsonObject, type JsonObject, type JsonValue, type Millis } from '#domain';
import {
  AccessForbidden,
  type CallFact,
  CredentialsRefused,
  FieldManagerConflict,
  type FieldOwner,
  InvalidObject,
  type KubeError,
  NamespaceQuotaExceeded,
  NamespaceTerminating,
  ObjectNotFound,
  ObjectTooLarge,
  PreconditionConflict,
  SchemaRefusal,
  ServerFault,
  TooManyRequests,
  type UndeclaredField,
  VersionExpired,
} from './errors.js';
import { listAt, numberAt, textAt } from './objects.js';

/** `metav1.StatusReason` and `metav1.CauseType`, as far as Berth tells them apart. */
const reasons = { expired: 'Expired' } as const;
const causes = { fieldManagerConflict: 'FieldManagerConflict', namespaceTerminating: 'NamespaceTerminating' } as const;

const step = String.raw`(?:\.[\w$/-]+|\[[^\]]*\])`;
const undeclared = new RegExp(`(${step}+): field not declared in schema`, 'g');
const keyless = new RegExp(
  `(${step}+): element \\d+: associative list with keys has an element that omits key field "([^"]+)"`,
  'g',
);

/** etcd's limit of a request, and that of the API server's connection to it: HTTP 500 without a reason, as below. */
const tooLarge = /^etcdserver: request is too large$|trying to send message larger than max/;

/** The quota's admission gives the reason Forbidden, as every other denial (apiserver/pkg/admission/plugin/resourcequota). */
const quotaUsedUp = /^[^:]*" is forbidden: (exceeded quota|status unknown for quota): /;

/**
 * This file alone reads messages, and only where there is nothing else: server-side apply reports fields unknown to its
 * schema as HTTP 500 with neither reason nor details (structured-merge-diff's text, 1.16 to this day).
 */
export function undeclaredFields(message: string): UndeclaredField[] {
  const unknown = [...message.matchAll(undeclared)].map((m) => ({ fieldPath: m[1] ?? '', missingKey: undefined }));
  const omitted = [...message.matchAll(keyless)].map((m) => ({ fieldPath: m[1] ?? '', missingKey: m[2] }));
  return [...unknown, ...omitted];
}

const ownersOf = (status: JsonObject): FieldOwner[] =>
  listAt(status, 'details', 'causes')
    .filter((cause) => textAt(cause, 'reason') === causes.fieldManagerConflict)
    .map((cause) => ({
      // "conflict with "kubectl" using apps/v1": the manager's name is in no field of its own
      manager: /^conflict with "([^"]*)"/.exec(textAt(cause, 'message'))?.[1] ?? '',
      fieldPath: textAt(cause, 'field'),
    }));

const hasCause = (status: JsonObject, reason: string): boolean =>
  listAt(status, 'details', 'causes').some((cause) => textAt(cause, 'reason') === reason);

function conflict(fact: CallFact, status: JsonObject, message: string): KubeError {
  const owners = ownersOf(status);
  return owners.length > 0 ? new FieldManagerConflict({ ...fact, owners }) : new PreconditionConflict(fact, message);
}

function invalid(fact: CallFact, status: JsonObject, message: string): KubeError {
  const fields = listAt(status, 'details', 'causes').map((cause) => ({
    field: textAt(cause, 'field'),
    reason: textAt(cause, 'reason'),
    message: textAt(cause, 'message'),
  }));
  return new InvalidObject({ ...fact, fields }, message);
}

function forbidden(fact: CallFact, status: JsonObject, message: string): KubeError {
  if (hasCause(status, causes.namespaceTerminating)) return new NamespaceTerminating(fact, message);
  return quotaUsedUp.test(message) ? new NamespaceQuotaExceeded(fact, message) : new AccessForbidden(fact, message);
}

const retryAfter = (status: JsonObject, header: string | undefined): Millis | undefined => {
  const seconds = numberAt(status, 'details', 'retryAfterSeconds') ?? Number(header);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined;
};

/** The typed error for a `Status` object, or for an answer of that HTTP status with another body. */
export function refusalOf(call: string, code: number, body: JsonValue | undefined, retryHeader?: string): KubeError {
  const status = isJsonObject(body) ? body : {};
  const fact: CallFact = { call, status: code };
  const message = textAt(status, 'message') || `the server answered ${code}`;
  const fields = undeclaredFields(message);
  if (fields.length > 0) return new SchemaRefusal({ ...fact, fields });
  if (code === 500 && tooLarge.test(message)) return new ObjectTooLarge(fact, message);
  switch (code) {
    case 413:
      return new ObjectTooLarge(fact, message);
    case 400:
    case 415:
    case 422:
      return invalid(fact, status, message);
    case 401:
      return new CredentialsRefused(fact, message);
    case 403:
      return forbidden(fact, status, message);
    case 404:
      return new ObjectNotFound(fact, message);
    case 409:
      return conflict(fact, status, message);
    case 410:
      return new VersionExpired(fact, message);
    case 429:
      return new TooManyRequests({ ...fact, retryAfterMs: retryAfter(status, retryHeader) });
    default:
      return textAt(status, 'reason') === reasons.expired
        ? new VersionExpired(fact, message)
        : new ServerFault(fact, message);
  }
}
