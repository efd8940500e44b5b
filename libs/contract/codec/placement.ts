import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type {
  ClusterId,
  ClusterVerdict,
  ComponentName,
  DecisionRecord,
  GroupDecision,
  PluginAnswer,
  Refusal,
} from '#domain';
import * as wire from '../wire.js';
import { outcomeToWire } from './enums.js';
import { clusterName } from './names.js';
import { defined } from './optional.js';
import { type StoredTime, timestampOf } from './time.js';

/** A stored decision with its record expanded. */
export interface DecisionView {
  id: string;
  /** The release's name. */
  release: string;
  createdAt: StoredTime;
  placed: boolean;
  /** Its release's. */
  priority: number;
  incarnation: string;
  record: DecisionRecord;
  words: RefusalWords;
  /** Releases that gave way to this one. */
  preempted?: readonly PreemptionPeerView[];
  /** The release that this one had to give way to. */
  preemptedBy?: PreemptionPeerView | undefined;
}

/** The other side of a preemption. */
export interface PreemptionPeerView {
  /** Names of resources. */
  application: string;
  release: string;
  priority: number;
  createdAt?: StoredTime;
}

const peerToWire = (view: PreemptionPeerView): MessageInitShape<typeof wire.PreemptionPeerSchema> => ({
  ...{ application: view.application, release: view.release, priority: view.priority },
  ...defined({ createTime: view.createdAt === undefined ? undefined : timestampOf(view.createdAt) }),
});

/** How reasons and their facts are said to people. */
export interface RefusalWords {
  ofCluster(refusal: Refusal): string;
  ofGroup(refusal: Refusal): string;
}

const refusalToWire = (refusal: Refusal, message: string): MessageInitShape<typeof wire.RefusalSchema> => ({
  reason: refusal.reason,
  facts: { ...refusal.facts },
  message,
});

/** Undefined stays undefined. */
const refusalIfAny = (refusal: Refusal | undefined, say: (refusal: Refusal) => string) =>
  defined({ refusal: refusal === undefined ? undefined : refusalToWire(refusal, say(refusal)) });

const verdictToWire = (
  verdict: ClusterVerdict,
  words: RefusalWords,
): MessageInitShape<typeof wire.ClusterVerdictSchema> => ({
  cluster: clusterName(verdict.cluster),
  outcome: outcomeToWire[verdict.outcome],
  filter: verdict.filter ?? '',
  ...refusalIfAny(verdict.refusal, words.ofCluster),
  scores: verdict.scores.map(({ scorer, score, weight }) => ({ scorer, score, weight })),
  total: BigInt(verdict.total),
  allotments: { ...verdict.allotments },
});

const groupToWire = (group: GroupDecision, words: RefusalWords): MessageInitShape<typeof wire.GroupDecisionSchema> => ({
  components: [...group.components],
  placed: group.placed,
  ...refusalIfAny(group.refusal, words.ofGroup),
  division: [...group.division],
  clusters: group.clusters.map((verdict) => verdictToWire(verdict, words)),
  plugins: (group.plugins ?? []).map(pluginToWire),
});

/** In the place of a failed answer there are the defaults, the same for all clusters. */
const pluginToWire = ({
  plugin,
  version,
  failure,
  verdicts,
  scores,
}: PluginAnswer): MessageInitShape<typeof wire.ConsultedPluginSchema> => ({
  name: plugin,
  version,
  ...defined({
    failure,
    fallback:
      failure === undefined
        ? undefined
        : defined({ score: scores?.[0], refuses: verdicts && verdicts.length > 0 ? verdicts[0] !== 0 : undefined }),
  }),
});

const placementsOf = (group: GroupDecision): MessageInitShape<typeof wire.PlacementSchema>[] =>
  group.components.map((component) => ({
    component,
    allotments: group.clusters.flatMap(({ cluster, allotments }) => {
      const replicas = allotments[component];
      return replicas === undefined ? [] : [{ cluster: clusterName(cluster), replicas }];
    }),
  }));

/** So many replicas of a component in one cluster, now and by the plan. */
export interface AllotmentChange {
  component: ComponentName;
  cluster: ClusterId;
  now: number;
  planned: number;
}

/** A decision that was not taken. */
export interface PlanView {
  /** Empty when there is nothing to take. */
  plan: string;
  /** Names of resources. */
  application: string;
  environment: string;
  expiresAt: StoredTime | undefined;
  changed: boolean;
  decision: Omit<DecisionView, 'id' | 'release'>;
  allotments: readonly AllotmentChange[];
  refusals: readonly string[];
  /** Who would have to give way. */
  preempts: readonly PreemptionPeerView[];
}

export const planToWire = (view: PlanView): wire.Plan =>
  create(wire.PlanSchema, {
    plan: view.plan,
    application: view.application,
    environment: view.environment,
    ...defined({ expireTime: view.expiresAt === undefined ? undefined : timestampOf(view.expiresAt) }),
    changed: view.changed,
    decision: decisionToWire({ ...view.decision, id: '', release: '' }),
    allotments: view.allotments.map(({ component, cluster, now, planned }) => ({
      ...{ component, now, planned },
      cluster: clusterName(cluster),
    })),
    refusals: [...view.refusals],
    preempts: view.preempts.map(peerToWire),
  });

export const decisionToWire = (view: DecisionView): wire.Decision =>
  create(wire.DecisionSchema, {
    id: view.id,
    release: view.release,
    createTime: timestampOf(view.createdAt),
    priority: view.priority,
    preempted: (view.preempted ?? []).map(peerToWire),
    ...defined({ preemptedBy: view.preemptedBy === undefined ? undefined : peerToWire(view.preemptedBy) }),
    engineVersion: view.record.engineVersion,
    policyHash: view.record.policyHash,
    feedPosition: { incarnation: view.incarnation, sequence: view.record.feedPosition },
    placed: view.placed,
    groups: view.record.groups.map((group) => groupToWire(group, view.words)),
    placements: view.placed ? view.record.groups.flatMap(placementsOf) : [],
  });
