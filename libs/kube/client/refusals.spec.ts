import { describe, expect, it } from 'vitest';
import {
  FieldManagerConflict,
  InvalidObject,
  NamespaceTerminating,
  ObjectNotFound,
  PreconditionConflict,
  SchemaRefusal,
  ServerFault,
  TooManyRequests,
  VersionExpired,
} from './errors.js';
import { refusalOf, undeclaredFields } from './refusals.js';

const failure = (code: number, rest: object) => ({
  kind: 'Status',
  apiVersion: 'v1',
  status: 'Failure',
  code,
  ...rest,
});
const refused = (code: number, rest: object) =>
  refusalOf('PATCH /x', code, JSON.parse(JSON.stringify(failure(code, rest))));

describe('refusals of an API server', () => {
  it('reads undeclared fields from the text of 1.20 and of newer servers', () => {
    const grpc = '.spec.template.spec.containers[name="c"].readinessProbe.grpc';
    expect(undeclaredFields(`failed to create typed patch object: ${grpc}: field not declared in schema`)).toEqual([
      { fieldPath: grpc, missingKey: undefined },
    ]);
    const both = `failed to create typed patch object (ns/x; apps/v1, Kind=Deployment): errors:\n  .spec.a: field not declared in schema\n  .spec.b[port=80,protocol="TCP"].c: field not declared in schema`;
    expect(undeclaredFields(both).map((field) => field.fieldPath)).toEqual([
      '.spec.a',
      '.spec.b[port=80,protocol="TCP"].c',
    ]);
  });

  it('reads the key that an element of a keyed list omits', () => {
    const message = `failed to create typed patch object: .spec.ports: element 0: associative list with keys has an element that omits key field "protocol" (and doesn't have default value)`;
    const error = refused(500, { message });
    expect(error).toBeInstanceOf(SchemaRefusal);
    expect(error).toMatchObject({ passing: false, fields: [{ fieldPath: '.spec.ports', missingKey: 'protocol' }] });
  });

  it('knows what is too large, for the server and for its store', () => {
    const tooLarge = { tag: 'too-large', passing: false };
    expect(refused(413, { reason: 'RequestEntityTooLarge' })).toMatchObject(tooLarge);
    expect(refused(500, { message: 'etcdserver: request is too large' })).toMatchObject(tooLarge);
    const between = 'rpc error: code = ResourceExhausted desc = trying to send message larger than max (3 vs. 2)';
    expect(refused(500, { message: between })).toMatchObject(tooLarge);
    expect(refused(500, { message: 'etcdserver: request timed out' })).toMatchObject({ tag: 'server-fault' });
  });

  it('tells a quota that is used up from what is forbidden for good', () => {
    const of = (why: string) => refused(403, { reason: 'Forbidden', message: `services "web" is forbidden: ${why}` });
    const full = 'exceeded quota: full, requested: count/services=1, used: count/services=2, limited: count/services=2';
    expect(of(full)).toMatchObject({ tag: 'quota-exceeded', message: expect.stringContaining(full), passing: false });
    expect(of('status unknown for quota: full, resources: pods')).toMatchObject({ tag: 'quota-exceeded' });
    expect(of('User "agent" cannot patch resource "services"')).toMatchObject({ tag: 'forbidden' });
    const quoted = 'admission webhook "judge" denied the request: exceeded quota: full';
    expect(refused(403, { reason: 'Forbidden', message: quoted })).toMatchObject({ tag: 'forbidden' });
  });

  it('tells a conflict of managers from one of preconditions', () => {
    const causes = [
      { reason: 'FieldManagerConflict', message: 'conflict with "kubectl" using apps/v1', field: '.spec.replicas' },
    ];
    const managers = refused(409, { reason: 'Conflict', details: { causes } });
    expect(managers).toBeInstanceOf(FieldManagerConflict);
    expect(managers).toMatchObject({ owners: [{ manager: 'kubectl', fieldPath: '.spec.replicas' }] });
    expect(refused(409, { reason: 'Conflict' })).toBeInstanceOf(PreconditionConflict);
  });

  it('knows a terminating namespace from any other denial', () => {
    const causes = [{ reason: 'NamespaceTerminating', message: 'x is being terminated', field: 'metadata.namespace' }];
    expect(refused(403, { reason: 'Forbidden', details: { causes } })).toBeInstanceOf(NamespaceTerminating);
    expect(refused(403, { reason: 'Forbidden' })).toMatchObject({ tag: 'forbidden', passing: false });
  });

  it('carries each wrong field', () => {
    const causes = [{ reason: 'FieldValueInvalid', message: 'must be >= 0', field: 'spec.replicas' }];
    const error = refused(422, { reason: 'Invalid', details: { causes } });
    expect(error).toBeInstanceOf(InvalidObject);
    expect(error).toMatchObject({ fields: [{ field: 'spec.replicas', reason: 'FieldValueInvalid' }] });
  });

  it('takes how long to wait from the details or the header', () => {
    expect(refused(429, { details: { retryAfterSeconds: 2 } })).toMatchObject({ passing: true, retryAfterMs: 2000 });
    expect(refusalOf('GET /x', 429, undefined, '3')).toMatchObject({ retryAfterMs: 3000 });
    expect(refusalOf('GET /x', 429, undefined)).toMatchObject({ retryAfterMs: undefined });
    expect(refusalOf('GET /x', 429, undefined)).toBeInstanceOf(TooManyRequests);
  });

  it('judges answers that are no Status by their code', () => {
    expect(refusalOf('GET /x', 404, undefined)).toBeInstanceOf(ObjectNotFound);
    expect(refusalOf('GET /x', 410, undefined)).toBeInstanceOf(VersionExpired);
    expect(refusalOf('GET /x', 503, undefined)).toMatchObject({ tag: 'server-fault', passing: true });
    expect(refusalOf('GET /x', 501, undefined)).toBeInstanceOf(ServerFault);
    expect(refusalOf('GET /x', 501, undefined).passing).toBe(false);
  });
});
