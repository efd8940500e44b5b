import { create } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import { rpc } from '#contract';
import { RpcError } from '#platform';
import { failureOf, UsageError } from './failure.js';

it('gives each wrong field a line of its own', () => {
  const fieldViolations = [
    { field: 'spec.components[2].replicas', description: 'found -1; allowed is 0 to 10000' },
    { field: 'spec.components[0].name', description: 'found nothing; allowed is a DNS label' },
  ];
  const badRequest = create(rpc.BadRequestSchema, { fieldViolations });
  const message = fieldViolations.map(({ field, description }) => `${field}: ${description}`).join('; ');
  expect(failureOf(new RpcError('INVALID_ARGUMENT', message, { badRequest }), 's:1')).toEqual({
    exitCode: 1,
    message: 'INVALID_ARGUMENT: 2 fields are wrong',
    details: [
      'spec.components[2].replicas: found -1; allowed is 0 to 10000',
      'spec.components[0].name: found nothing; allowed is a DNS label',
    ],
  });
});

it('tells a server that is not there from one that lacks something', () => {
  const nobody = failureOf(new RpcError('UNAVAILABLE', 'connect ECONNREFUSED'), '127.0.0.1:7070');
  expect(nobody?.message).toMatch(/^no Berth answers at 127\.0\.0\.1:7070; is it running\?/);
  const errorInfo = create(rpc.ErrorInfoSchema, { reason: 'DEPENDENCY_UNAVAILABLE' });
  const lacking = failureOf(new RpcError('UNAVAILABLE', 'the database does not answer', { errorInfo }), 's:1');
  expect(lacking?.message).toBe('UNAVAILABLE: the database does not answer');
});

it('ends with 2 for a wrong command line, and leaves faults of its own alone', () => {
  expect(failureOf(new UsageError('what?'), 's:1')?.exitCode).toBe(2);
  expect(failureOf(new TypeError('x is undefined'), 's:1')).toBeUndefined();
});
