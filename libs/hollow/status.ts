import type { ResourceKind } from './resources.js';

export interface StatusCause {
  reason: string;
  message: string;
  field?: string;
}

export interface StatusDetails {
  name?: string;
  group?: string;
  kind?: string;
  uid?: string;
  causes?: readonly StatusCause[];
}

/** A refusal as the API server words it; `body()` is the `Status` object of the answer. */
export class ApiError extends Error {
  constructor(
    readonly code: number,
    readonly reason: string,
    message: string,
    readonly details: StatusDetails = {},
  ) {
    super(message);
  }

  body() {
    const { code, reason, message, details } = this;
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message,
      ...(reason === '' ? {} : { reason }),
      ...(Object.keys(details).length === 0 ? {} : { details }),
      code,
    };
  }
}

function detailsOf(resource: ResourceKind, name: string): StatusDetails {
  return { name, ...(resource.group === '' ? {} : { group: resource.group }), kind: resource.plural };
}

/** `deployments.apps "web"`, `pods "a"`. */
function quoted(resource: ResourceKind, name: string): string {
  return `${resource.plural}${resource.group === '' ? '' : `.${resource.group}`} "${name}"`;
}

export const badRequest = (message: string) => new ApiError(400, 'BadRequest', message);

export const notFound = (resource: ResourceKind, name: string) =>
  new ApiError(404, 'NotFound', `${quoted(resource, name)} not found`, detailsOf(resource, name));

export const alreadyExists = (resource: ResourceKind, name: string) =>
  new ApiError(409, 'AlreadyExists', `${quoted(resource, name)} already exists`, detailsOf(resource, name));

export const conflict = (resource: ResourceKind, name: string, why: string) =>
  new ApiError(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${quoted(resource, name)}: ${why}`,
    detailsOf(resource, name),
  );

/** A delete that insisted on another object; the server names the kind here, not the resource. */
export const preconditionFailed = ({ kind, group }: ResourceKind, name: string, why: string) =>
  new ApiError(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${kind}${group === '' ? '' : `.${group}`} "${name}": ${why}`,
    { name, ...(group === '' ? {} : { group }), kind },
  );

export const stale = (resource: ResourceKind, name: string) =>
  conflict(
    resource,
    name,
    'the object has been modified; please apply your changes to the latest version and try again',
  );

export const terminating = (resource: ResourceKind, name: string, namespace: string) =>
  new ApiError(
    403,
    'Forbidden',
    `${quoted(resource, name)} is forbidden: unable to create new content in namespace ${namespace} because it is being terminated`,
    {
      ...detailsOf(resource, name),
      causes: [
        {
          reason: 'NamespaceTerminating',
          message: `namespace ${namespace} is being terminated`,
          field: 'metadata.namespace',
        },
      ],
    },
  );

export interface FieldError {
  field: string;
  reason:
    | 'FieldValueInvalid'
    | 'FieldValueRequired'
    | 'FieldValueForbidden'
    | 'FieldValueNotSupported'
    | 'FieldValueDuplicate';
  message: string;
}

export function invalid(resource: ResourceKind, name: string, errors: readonly FieldError[]) {
  const lines = errors.map(({ field, message }) => `${field}: ${message}`);
  const said = lines.length === 1 ? lines[0] : `[${lines.join(', ')}]`;
  const kind = `${resource.kind}${resource.group === '' ? '' : `.${resource.group}`}`;
  return new ApiError(422, 'Invalid', `${kind} "${name}" is invalid: ${said}`, {
    ...detailsOf(resource, name),
    kind: resource.kind,
    causes: errors.map(({ field, reason, message }) => ({ reason, message, field })),
  });
}

/** A watch that asks for changes that are no longer remembered. */
export const expired = (asked: string | number, oldest: number) =>
  new ApiError(410, 'Expired', `too old resource version: ${asked} (${oldest})`);
