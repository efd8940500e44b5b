import { type CanonicalCode, DomainError } from '#domain';
import { AccessForbidden, ClusterUnreachable, InvalidObject, KubeError, ObjectNotFound } from '#kube';

/** A pod's logs could not be read, in words that name the pod; what the member said is the cause. */
export class LogsUnreadable extends DomainError {
  readonly code: CanonicalCode;
  readonly reason: string;

  constructor(fact: { code: CanonicalCode; reason: string; message: string }, options?: ErrorOptions) {
    super(fact.message, options);
    this.code = fact.code;
    this.reason = fact.reason;
  }
}

const wayOut = 'its cluster role lacks pods/log; "berth-agent rbac" prints the rights that it needs';

function factOf(error: KubeError, pod: string, container: string): ConstructorParameters<typeof LogsUnreadable>[0] {
  const ofPod = container === '' ? `pod ${pod}` : `container ${container} of pod ${pod}`;
  if (error instanceof InvalidObject)
    return {
      code: 'FAILED_PRECONDITION',
      reason: 'NOT_STARTED',
      message: `${ofPod} has no logs yet, it has not started; with --follow they are waited for`,
    };
  if (error instanceof ObjectNotFound)
    return { code: 'NOT_FOUND', reason: 'OBJECT_NOT_FOUND', message: `pod ${pod} is gone` };
  if (error instanceof AccessForbidden)
    return {
      code: 'FAILED_PRECONDITION',
      reason: 'AGENT_LACKS_RIGHTS',
      message: `the agent may not read the logs of pod ${pod}: ${wayOut}`,
    };
  if (error instanceof ClusterUnreachable)
    return {
      code: 'UNAVAILABLE',
      reason: 'CLUSTER_UNREACHABLE',
      message: `the API server of the cluster does not answer the agent about pod ${pod}`,
    };
  const status = error.status === undefined ? '' : ` (HTTP ${error.status})`;
  return {
    code: error.passing ? 'UNAVAILABLE' : 'FAILED_PRECONDITION',
    reason: error.tag.replaceAll('-', '_').toUpperCase(),
    message: `the node of pod ${pod} does not give the logs${container === '' ? '' : ` of container ${container}`}${status}; "berth get" shows the pod's state`,
  };
}

/** What the member answered, said of the pod; anything else as it is. */
export const logFailure = (error: unknown, pod: string, container: string): unknown =>
  error instanceof KubeError ? new LogsUnreadable(factOf(error, pod, container), { cause: error }) : error;
