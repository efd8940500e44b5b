import type { ControllerContext } from './context.js';
import { startCronJobs } from './cronjob.js';
import { startDaemonSets } from './daemonset.js';
import { startDefinitions } from './definitions.js';
import { startDeployments } from './deployment.js';
import { startGarbageCollection } from './garbage.js';
import { startJobs } from './job.js';
import { startNamespaces } from './namespaces.js';
import { startNodeLifecycle } from './nodes.js';
import { startReplicaSets } from './replicaset.js';
import { startScheduler } from './scheduler.js';
import { startStatefulSets } from './statefulset.js';
import { startStorage } from './storage.js';

/** The control plane's controllers, all driven by what the store tells. */
export function startControllers(context: ControllerContext): void {
  startDefinitions(context);
  startNamespaces(context);
  startDeployments(context);
  startReplicaSets(context);
  startStatefulSets(context);
  startDaemonSets(context);
  startJobs(context);
  startCronJobs(context);
  startStorage(context);
  startScheduler(context);
  startNodeLifecycle(context);
  startGarbageCollection(context);
}
