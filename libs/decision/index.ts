export { stateOf } from './cluster-state.js';
export { type CommitContext, type Committed, commitBatch } from './commit.js';
export { deadlines } from './deadlines.js';
export { type Decided, type Deciding, decideRelease } from './decided.js';
export { compareShares, quotaObstacle, type Share, type ShareChange, sharesOf } from './plan.js';
export { requestOf } from './request.js';
export { reservedDelta } from './reservations.js';
export { CapacityLedger } from './settle.js';
export { droppedWork } from './works.js';
