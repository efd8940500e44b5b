import { wire } from '#contract';
import type { Palette } from './look.js';

type Colour = keyof Palette;
type Words<E extends number> = Readonly<Record<E, readonly [word: string, colour: Colour]>>;

const phases: Words<wire.Phase> = {
  [wire.Phase.UNSPECIFIED]: ['-', 'dim'],
  [wire.Phase.WAITING]: ['waiting', 'yellow'],
  [wire.Phase.REFUSED]: ['refused', 'red'],
  [wire.Phase.APPLYING]: ['applying', 'yellow'],
  [wire.Phase.READY]: ['ready', 'green'],
  [wire.Phase.DEGRADED]: ['degraded', 'red'],
  [wire.Phase.FAILED]: ['failed', 'red'],
  [wire.Phase.REMOVING]: ['removing', 'yellow'],
  [wire.Phase.REMOVED]: ['removed', 'dim'],
  [wire.Phase.UNKNOWN]: ['unknown', 'red'],
};

const releasePhases: Words<wire.ReleasePhase> = {
  [wire.ReleasePhase.UNSPECIFIED]: ['-', 'dim'],
  [wire.ReleasePhase.WAITING]: ['waiting', 'yellow'],
  [wire.ReleasePhase.REFUSED]: ['refused', 'red'],
  [wire.ReleasePhase.PLACED]: ['placed', 'green'],
  [wire.ReleasePhase.SUPERSEDED]: ['superseded', 'dim'],
  [wire.ReleasePhase.REMOVING]: ['removing', 'yellow'],
  [wire.ReleasePhase.REMOVED]: ['removed', 'dim'],
};

const conditionTypes: Readonly<Record<wire.ClusterConditionType, string>> = {
  [wire.ClusterConditionType.UNSPECIFIED]: 'Unknown',
  [wire.ClusterConditionType.AGENT_CONFLICT]: 'AgentConflict',
  [wire.ClusterConditionType.AGENT_REVOKED]: 'AgentRevoked',
  [wire.ClusterConditionType.CERTIFICATE_EXPIRED]: 'CertificateExpired',
  [wire.ClusterConditionType.CLOCK_SKEW]: 'ClockSkew',
  [wire.ClusterConditionType.SAME_MEMBER]: 'SameMember',
};

/** A newer gateway may know types that this program does not. */
export const conditionWord = ({ type, reason }: wire.ClusterCondition): string => conditionTypes[type] ?? reason;

const clusterPhases: Words<wire.ClusterPhase> = {
  [wire.ClusterPhase.UNSPECIFIED]: ['-', 'dim'],
  [wire.ClusterPhase.PENDING]: ['pending', 'yellow'],
  [wire.ClusterPhase.READY]: ['ready', 'green'],
  [wire.ClusterPhase.UNREACHABLE]: ['unreachable', 'red'],
  [wire.ClusterPhase.REMOVING]: ['removing', 'yellow'],
};

const outcomes: Words<wire.ClusterVerdict_Outcome> = {
  [wire.ClusterVerdict_Outcome.UNSPECIFIED]: ['-', 'dim'],
  [wire.ClusterVerdict_Outcome.CHOSEN]: ['chosen', 'green'],
  [wire.ClusterVerdict_Outcome.ELIGIBLE]: ['eligible', 'dim'],
  [wire.ClusterVerdict_Outcome.REFUSED]: ['refused', 'red'],
};

const roles: Readonly<Record<wire.Role, string>> = {
  [wire.Role.UNSPECIFIED]: '-',
  [wire.Role.VIEWER]: 'viewer',
  [wire.Role.DEVELOPER]: 'developer',
  [wire.Role.OWNER]: 'owner',
  [wire.Role.OPERATOR]: 'operator',
};

/** A value that a newer Berth has and this CLI has no word for is shown as its number. */
const wordIn =
  <E extends number>(words: Words<E>) =>
  (value: E, palette: Palette): string => {
    const [word, colour]: readonly [string, Colour] = Object.hasOwn(words, value) ? words[value] : [`#${value}`, 'dim'];
    return palette[colour](word);
  };

export const phaseWord = wordIn(phases);
export const releasePhaseWord = wordIn(releasePhases);
export const clusterPhaseWord = wordIn(clusterPhases);
export const outcomeWord = wordIn(outcomes);
export const roleWord = (role: wire.Role): string => (Object.hasOwn(roles, role) ? roles[role] : `#${role}`);
