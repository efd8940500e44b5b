import type { Timing } from '#kube';
import type { AgentLog } from '../seams.js';
import type { PodWorld } from './target.js';
import type { WorkChanges } from './work-changes.js';

/** What tunnels stand on. */
export interface TunnelWorld extends PodWorld {
  changes: WorkChanges;
  timing: Timing;
  log: AgentLog;
}
