export { type BacklogPage, workBacklog } from './backlog.js';
export { type Heartbeat, type HeartbeatOutcome, storeHeartbeats, storeSchema } from './heartbeats.js';
export {
  type CertificateStanding,
  certificateStanding,
  consumeEnrolmentToken,
  recordCertificate,
  type TokenVerdict,
} from './identities.js';
export {
  closeLine,
  type LineGrant,
  type LineRequest,
  type LineStanding,
  lineStandings,
  openLine,
} from './lines.js';
export { type StatusOutcome, type StatusWrite, storeStatus } from './status.js';
export { announceSilent, sweepLeases } from './sweep.js';
