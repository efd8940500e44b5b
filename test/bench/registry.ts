import { fleetScenario } from './fleet/scenario.js';
import { gatewayScenario } from './gateway/scenario.js';
import { placementScenario } from './placement/scenario.js';
import { propagateScenario } from './propagate/scenario.js';
import type { Scenario } from './scenario.js';
import { startScenario } from './start/scenario.js';
import { traceScenario } from './trace/scenario.js';
import { utilizationScenario } from './utilization/scenario.js';
import { wakingScenario } from './waking/scenario.js';

/** Every scenario by the name that `npm run bench --` takes. */
export const scenarios: Readonly<Record<string, Scenario>> = {
  start: startScenario,
  gateway: gatewayScenario,
  propagate: propagateScenario,
  fleet: fleetScenario,
  placement: placementScenario,
  trace: traceScenario,
  utilization: utilizationScenario,
  waking: wakingScenario,
};
