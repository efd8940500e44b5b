export {
  type DirectoryAgents,
  type DirectoryAgentsOptions,
  startDirectoryAgents,
} from './elsewhere/directory-agents.js';
export { directoryKeeper } from './identity/directory-keeper.js';
export { NotEnrolled, WrongMember } from './identity/enrolment.js';
export { HubNotTrusted } from './identity/first-contact.js';
export { type AgentIdentity, type IdentityKeeper, memoryKeeper } from './identity/identity.js';
export { type AgentOptions, type RunningAgent, startAgent } from './start.js';
