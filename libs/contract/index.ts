/** The wire: generated from proto/. `wire` is the public contract, `line` the agents' line, `plugin` what plug-ins serve, `rpc` google.rpc. */

export {
  inventoryChange,
  inventoryChangeFromWire,
  inventoryChangeToWire,
  inventoryFromWire,
  inventoryToWire,
} from './codec/agent-inventory.js';
export { type Bracket, type StatusReport, statusReportFromWire, statusReportToWire } from './codec/agent-status.js';
export { workItemFromWire, workItemToWire } from './codec/agent-work.js';
export * from './codec/application.js';
export { type ApplicationFile, parseApplicationFile } from './codec/application-file.js';
export * from './codec/cluster.js';
export * from './codec/enums.js';
export * from './codec/names.js';
export * from './codec/operation.js';
export * from './codec/optional.js';
export * from './codec/placement.js';
export * from './codec/status.js';
export * from './codec/tenancy.js';
export * from './codec/time.js';
export * as line from './line.js';
export * as plugin from './plugin.js';
export * as rpc from './rpc.js';
export * as wire from './wire.js';
