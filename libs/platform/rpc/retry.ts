import type { DescService } from '@bufbuild/protobuf';
import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';

/**
 * The gRPC service config (gRFC A6) that repeats UNAVAILABLE calls, with growing pauses, of the methods that declare
 * themselves idempotent or without side effects. No other call is ever repeated by the client.
 */
export const serviceConfig = (service: DescService, attempts: number): string => {
  const repeatable = service.methods.filter(
    ({ idempotency, methodKind }) =>
      methodKind === 'unary' && idempotency !== MethodOptions_IdempotencyLevel.IDEMPOTENCY_UNKNOWN,
  );
  if (repeatable.length === 0 || attempts < 2) return JSON.stringify({ methodConfig: [] });
  const name = repeatable.map((method) => ({ service: service.typeName, method: method.name }));
  const retryPolicy = {
    maxAttempts: Math.min(attempts, 5),
    initialBackoff: '0.1s',
    maxBackoff: '2s',
    backoffMultiplier: 2,
    retryableStatusCodes: ['UNAVAILABLE'],
  };
  return JSON.stringify({ methodConfig: [{ name, retryPolicy }] });
};
