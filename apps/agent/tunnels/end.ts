import { create } from '@bufbuild/protobuf';
import { line } from '#contract';
import { DomainError } from '#domain';
import { AccessForbidden, ClusterUnreachable, CommandNotRun, KubeError, ObjectNotFound, PortRefused } from '#kube';

/** Why something could not be done, as a canonical code, a word and a sentence. */
export interface Refusal {
  code: string;
  reason: string;
  message: string;
}

const refused = (reason: string, { message }: Error): Refusal => ({ code: 'FAILED_PRECONDITION', reason, message });

const ofKube = (error: KubeError): Refusal => {
  const { message } = error;
  if (error instanceof ObjectNotFound) return { code: 'NOT_FOUND', reason: 'OBJECT_NOT_FOUND', message };
  if (error instanceof ClusterUnreachable) return { code: 'UNAVAILABLE', reason: 'CLUSTER_UNREACHABLE', message };
  if (error instanceof AccessForbidden) return refused('AGENT_LACKS_RIGHTS', error);
  return refused(error.tag.replaceAll('-', '_').toUpperCase(), error);
};

/** Undefined for a fault of the agent's own. */
export function refusalFor(error: unknown): Refusal | undefined {
  if (error instanceof DomainError) return { code: error.code, reason: error.reason, message: error.message };
  if (error instanceof KubeError) return ofKube(error);
  if (error instanceof CommandNotRun) return refused('COMMAND_NOT_RUN', error);
  if (error instanceof PortRefused) return refused('PORT_REFUSED', error);
  return undefined;
}

const fault: Refusal = { code: 'INTERNAL', reason: 'INTERNAL', message: 'the agent has failed; its log says more' };

/** The last frame of a tunnel that failed. */
export const endFor = (error: unknown): line.TunnelEnd =>
  create(line.TunnelEndSchema, { ...(refusalFor(error) ?? fault) });
