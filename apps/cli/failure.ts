import { DomainError } from '#domain';
import { RpcError } from '#platform/client';

/** What the command line asks for makes no sense: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Berth answered, and the answer is no, or not in time: exit code 1. */
export class Unfulfilled extends Error {
  override readonly name = 'Unfulfilled';

  constructor(
    message: string,
    readonly details: readonly string[] = [],
  ) {
    super(message);
  }
}

export const exitCodes = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/** What to tell about a failure: one message, then a line for each detail. */
export interface Failure {
  exitCode: number;
  message: string;
  details: readonly string[];
  hint?: string;
}

interface Violation {
  field: string;
  description: string;
}

const violationLines = (violations: readonly Violation[]): string[] =>
  violations.map(({ field, description }) => `${field}: ${description}`);

/** Berth's message repeats its violations, which get lines of their own. */
const withoutViolations = (message: string, violations: readonly Violation[]): string =>
  violations.length > 0 && message === violationLines(violations).join('; ')
    ? violations.length === 1
      ? 'one field is wrong'
      : `${violations.length} fields are wrong`
    : message;

function hintFor(error: RpcError, server: string): string | undefined {
  const reason = error.details.errorInfo?.reason;
  if (error.code === 'UNAVAILABLE' && reason === undefined)
    return `no Berth answers at ${server}; is it running? "npm run demo" starts one, BERTH_SERVER or --server names another`;
  if (error.code === 'UNAUTHENTICATED') return 'set BERTH_API_KEY, or give --api-key, to a key that is valid here';
  if (error.code === 'PERMISSION_DENIED')
    return 'clusters and tenants need an operator’s key, applications a key of their tenant (--tenant, --project)';
  return undefined;
}

const unreachable = (error: RpcError): boolean => error.code === 'UNAVAILABLE' && error.details.errorInfo === undefined;

function ofCall(error: RpcError, server: string): Failure {
  const hint = hintFor(error, server);
  if (unreachable(error)) return { exitCode: exitCodes.failed, message: hint ?? error.message, details: [] };
  const fields = error.details.badRequest?.fieldViolations ?? [];
  const quota = (error.details.quotaFailure?.violations ?? [])
    .map(({ subject, description }) => `${subject}: ${description}`)
    .filter((line) => !line.endsWith(error.message));
  return {
    exitCode: exitCodes.failed,
    message: `${error.code}: ${withoutViolations(error.message, fields)}`,
    details: [...violationLines(fields), ...quota],
    ...(hint === undefined ? {} : { hint }),
  };
}

/** What to tell about an error; undefined for one that is a fault of the CLI itself. */
export function failureOf(error: unknown, server: string): Failure | undefined {
  if (error instanceof RpcError) return ofCall(error, server);
  if (error instanceof UsageError) return { exitCode: exitCodes.usage, message: error.message, details: [] };
  if (error instanceof Unfulfilled)
    return { exitCode: exitCodes.failed, message: error.message, details: error.details };
  if (error instanceof DomainError) {
    const details = violationLines(error.fieldViolations);
    return { exitCode: exitCodes.failed, message: withoutViolations(error.message, error.fieldViolations), details };
  }
  return undefined;
}
