import { KubeError } from '#kube';
import { RpcError } from '#platform/light';
import { HubUnreachable } from './identity/first-contact.js';

/** A peer that does not answer for now: everyone who meets it tries again, and its stack tells nothing. */
export const isUnanswered = (error: Error): boolean =>
  error instanceof HubUnreachable ||
  (error instanceof KubeError && error.tag === 'unreachable') ||
  (error instanceof RpcError && (error.code === 'UNAVAILABLE' || error.code === 'DEADLINE_EXCEEDED'));
