import type { ControllerContext } from './context.js';
import { startDeployments } from './deployment.js';
import { startGarbageCollection } from './garbage.js';
import { startNamespaces } from './namespaces.js';
import { startReplicaSets } from './replicaset.js';
import { startScheduler } from './scheduler.js';

/** The control plane's controllers, all driven by what the store tells. */
export function startControllers(context: ControllerContext): void {
  startNamespaces(context);
  startDeployments(context);
  startReplicaSets(context);
  startScheduler(context);
  startGarbageCollection(context);
}
