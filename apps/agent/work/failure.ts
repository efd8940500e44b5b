import { KubeError, NamespaceNotOurs } from '#kube';

/** Why a work could not be applied: a word for programs, a sentence for people. */
export interface ApplyFailure {
  reason: string;
  message: string;
  /** It could heal by itself soon: the cluster does not answer, a namespace is still going. */
  isPassing: boolean;
}

const words: Readonly<Record<string, string>> = {
  'not-found': 'KindOrNamespaceMissing',
  'field-manager-conflict': 'FieldManagerConflict',
  'precondition-conflict': 'Conflict',
  invalid: 'InvalidObject',
  'too-large': 'ObjectTooLarge',
  'schema-mismatch': 'SchemaMismatch',
  'namespace-terminating': 'NamespaceTerminating',
  'quota-exceeded': 'QuotaExceeded',
  forbidden: 'Forbidden',
  'credentials-refused': 'CredentialsRefused',
  'too-many-requests': 'TooManyRequests',
  unreachable: 'ClusterUnreachable',
  'server-fault': 'ServerFault',
  garbled: 'ServerFault',
};

const longestMessage = 500;
/** Somebody was quicker, or something is on its way: the next try finds it otherwise. */
const passingTags: ReadonlySet<string> = new Set([
  'namespace-terminating',
  'not-found',
  'precondition-conflict',
  'quota-exceeded',
]);

/** The agent itself does not do it; nothing was written. */
export class ApplyRefused extends Error {
  override name = 'ApplyRefused';
  constructor(
    readonly reason: 'ObjectNotOurs' | 'ImmutableField' | 'BeingReplaced',
    message: string,
    readonly isPassing = false,
  ) {
    super(message);
  }
}

/** What the tenant can say so that the agent does it. */
const wayOut = '; objectPolicy.adoption: ADOPTION_POLICY_EXISTING takes it over';

const withWayOut = ({ reason, message }: ApplyRefused): string =>
  `${message.slice(0, longestMessage)}${reason === 'ObjectNotOurs' ? wayOut : ''}`;

const lostAnswers: ReadonlySet<string> = new Set(['unreachable', 'server-fault', 'garbled']);

/** It does not say whether the call was carried out. */
export const isAnswerLost = (error: unknown): boolean => error instanceof KubeError && lostAnswers.has(error.tag);

/** Answers undefined for what is no failure of the member: a defect of ours. */
export function failureOf(error: unknown): ApplyFailure | undefined {
  if (error instanceof NamespaceNotOurs)
    return { reason: 'NamespaceNotOurs', message: error.message, isPassing: false };
  if (error instanceof ApplyRefused)
    return { reason: error.reason, message: withWayOut(error), isPassing: error.isPassing };
  if (!(error instanceof KubeError)) return undefined;
  const isPassing = error.passing || passingTags.has(error.tag);
  return { reason: words[error.tag] ?? 'ApplyFailed', message: error.message.slice(0, longestMessage), isPassing };
}
