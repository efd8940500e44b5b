export type { BacklogPage } from './backlog.js';
export type { Heartbeat, HeartbeatOutcome } from './heartbeats.js';
export {
  type CertificateStanding,
  consumeEnrolmentToken,
  recordCertificate,
  type TokenVerdict,
} from './identities.js';
export type { LineGrant, LineRequest, LineStanding } from './lines.js';
export type { AgentCertificate, AgentStore, FleetNews } from './port.js';
export { postgresAgentStore } from './postgres.js';
export type { StatusOutcome, StatusWrite } from './status-write.js';
