import { type FieldViolation, InvalidRequest, type JsonValue } from '#domain';

const uuidForm = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const largestInt32 = 2_147_483_647;

const refuse = (field: string, description: string): never => {
  const violation: FieldViolation = { field, description };
  throw new InvalidRequest([violation]);
};

/** Reads what agents send: whatever the store could not hold is refused here, so that it fails one report alone. */
export const agentField = {
  uuid: (field: string, found: string): string =>
    uuidForm.test(found) ? found : refuse(field, `found "${found.slice(0, 60)}"; allowed is a UUID`),

  /** A count of things: 0 to 2^31 - 1. */
  count: (field: string, found: number): number =>
    found >= 0 && found <= largestInt32 ? found : refuse(field, `found ${found}; allowed is 0 to ${largestInt32}`),

  /** An amount: 0 to 2^53 - 1, so that a number is exact. */
  amount: (field: string, found: bigint): number =>
    found >= 0n && found <= BigInt(Number.MAX_SAFE_INTEGER)
      ? Number(found)
      : refuse(field, `found ${found}; allowed is 0 to ${Number.MAX_SAFE_INTEGER}`),

  /** Sequences and generations: what a signed 64-bit column holds. */
  sequence: (field: string, found: bigint): bigint =>
    found >= 0n && found < 1n << 63n ? found : refuse(field, `found ${found}; allowed is 0 to 2^63 - 1`),

  /** Text of the member, cut; without the character that Postgres can't hold. */
  text: (found: string, longest = 1024): string => found.replaceAll('\u0000', '').slice(0, longest),

  /** What must not be left out. */
  present: <T>(field: string, found: T | undefined): T => found ?? refuse(field, 'is missing'),

  word: <T>(field: string, found: T | undefined): T => found ?? refuse(field, 'is not a known value'),
} as const;

const text = new TextDecoder('utf-8', { fatal: true });
const bytes = new TextEncoder();

export const jsonToBytes = (value: JsonValue): Uint8Array => bytes.encode(JSON.stringify(value));

/** @throws InvalidRequest for bytes that are no JSON. */
export function jsonFromBytes(field: string, content: Uint8Array): JsonValue {
  try {
    return JSON.parse(text.decode(content)) as JsonValue;
  } catch (cause) {
    throw new InvalidRequest([{ field, description: `is no JSON: ${cause instanceof Error ? cause.message : cause}` }]);
  }
}
