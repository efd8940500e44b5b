import { Foundation1795300000001 } from './0001-foundation.js';
import { Roles1795300000002 } from './0002-roles.js';
import { ObjectPolicy1795400000003 } from './0003-object-policy.js';
import { Tunnels1795400000004 } from './0004-tunnels.js';
import { Orphans1795400000005 } from './0005-orphans.js';
import { Certificates1795400000006 } from './0006-certificates.js';
import { Inventory1795400000007 } from './0007-inventory.js';
import { Conditions1795400000008 } from './0008-conditions.js';
import { NodeLabels1795400000009 } from './0009-node-labels.js';
import { ClusterCosts1795400000010 } from './0010-cluster-costs.js';
import { Plans1795400000011 } from './0011-plans.js';
import { ReservationRules1795400000012 } from './0012-reservation-rules.js';
import { QuotaWakes1795400000013 } from './0013-quota-wakes.js';
import { NodeScoring1795400000014 } from './0014-node-scoring.js';
import { Priority1795400000017 } from './0017-priority.js';
import { FairShare1795400000018 } from './0018-fair-share.js';
import { NeighboursWake1795400000019 } from './0019-neighbours-wake.js';
import { Preemption1795400000021 } from './0021-preemption.js';
import { BestEffort1795400000022 } from './0022-best-effort.js';
import { WorksLeaving1795400000023 } from './0023-works-leaving.js';
import { TaintsSince1795400000026 } from './0026-taints-since.js';

/** Every schema change, in order. A migration that has been released is never edited. */
export const migrations = [
  Foundation1795300000001,
  Roles1795300000002,
  ObjectPolicy1795400000003,
  Tunnels1795400000004,
  Orphans1795400000005,
  Certificates1795400000006,
  Inventory1795400000007,
  Conditions1795400000008,
  NodeLabels1795400000009,
  ClusterCosts1795400000010,
  Plans1795400000011,
  ReservationRules1795400000012,
  QuotaWakes1795400000013,
  NodeScoring1795400000014,
  Priority1795400000017,
  FairShare1795400000018,
  NeighboursWake1795400000019,
  Preemption1795400000021,
  BestEffort1795400000022,
  WorksLeaving1795400000023,
  TaintsSince1795400000026,
] as const;
