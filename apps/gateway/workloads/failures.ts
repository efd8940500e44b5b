import { type CanonicalCode, type ClusterId, DomainError } from '#domain';
import { RpcError } from '#platform';

const codes: ReadonlySet<string> = new Set<CanonicalCode>([
  'INVALID_ARGUMENT',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'RESOURCE_EXHAUSTED',
  'PERMISSION_DENIED',
  'UNIMPLEMENTED',
  'UNAVAILABLE',
  'DEADLINE_EXCEEDED',
]);
const isCanonical = (code: string): code is CanonicalCode => codes.has(code);

/** What kept a tunnel from being opened, or ended it: as the hub or the agent said. */
export class TunnelFailed extends DomainError {
  readonly code: CanonicalCode;
  readonly reason: string;
  override readonly metadata: Readonly<Record<string, string>>;

  constructor(fact: { cluster: ClusterId; code: string; reason: string; message: string }, options?: ErrorOptions) {
    super(`cluster "${fact.cluster}": ${fact.message}`, options);
    this.code = isCanonical(fact.code) ? fact.code : 'UNAVAILABLE';
    this.reason = fact.reason;
    this.metadata = { cluster: fact.cluster };
  }
}

/** Nothing can be reached where no agent is connected. */
export class NoAgentConnected extends DomainError {
  readonly code = 'UNAVAILABLE';
  readonly reason = 'AGENT_NOT_CONNECTED';
  override readonly metadata: Readonly<Record<string, string>>;
  override readonly retryAfterMs = 1000;

  constructor(clusters: readonly ClusterId[]) {
    const named = clusters.map((cluster) => `"${cluster}"`).join(', ');
    super(`no agent is connected of cluster${clusters.length === 1 ? '' : 's'} ${named}`);
    this.metadata = { clusters: clusters.join(',') };
  }
}

/** What the call to the hub failed with, as its caller may know it. */
export function tunnelFailure(cluster: ClusterId, error: unknown): unknown {
  if (!(error instanceof RpcError)) return error;
  const reason = error.details.errorInfo?.reason;
  // The ticket is the gateway's own: that it is not taken is no fault of the caller's.
  const isOurs = error.code === 'UNAUTHENTICATED' || reason === undefined;
  const said = isOurs
    ? { code: 'UNAVAILABLE', reason: 'HUB_UNREACHABLE', message: 'the hub that holds its agent’s line does not answer' }
    : { code: error.code, reason, message: error.message };
  return new TunnelFailed({ cluster, ...said }, { cause: error });
}
