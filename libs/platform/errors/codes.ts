/** The canonical gRPC codes by name, with their numbers on the wire. */
export const rpcCodes = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

/** A canonical gRPC code by name. */
export type RpcCode = keyof typeof rpcCodes;

const names = new Map<number, RpcCode>();
for (const name of Object.keys(rpcCodes) as RpcCode[]) names.set(rpcCodes[name], name);

/** The name of a code read from the wire; a number that no version of gRPC knows is UNKNOWN. */
export const rpcCodeName = (code: number): RpcCode => names.get(code) ?? 'UNKNOWN';
