import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  type Affinity,
  anywhere,
  type ClusterGroup,
  type FieldViolation,
  type PlacementPolicy,
  type SpreadPolicy,
  type Toleration,
} from '#domain';
import * as wire from '../wire.js';
import {
  clusterGroupModeFromWire,
  clusterGroupModeToWire,
  divisionFromWire,
  divisionToWire,
  remainderMethodFromWire,
  remainderMethodToWire,
  strategyFromWire,
  strategyToWire,
} from './enums.js';
import { defined } from './optional.js';

type Effect = Toleration['effect'];
const effects: readonly string[] = ['', 'NoSchedule', 'PreferNoSchedule', 'NoExecute'] satisfies Effect[];
const isEffect = (text: string): text is Effect => effects.includes(text);

function tolerationFromWire(from: wire.Toleration, path: string, wrong: FieldViolation[]): Toleration {
  const operator = from.operator === '' ? 'Equal' : from.operator;
  if (operator !== 'Exists' && operator !== 'Equal')
    wrong.push({ field: `${path}.operator`, description: `found "${operator}"; allowed are Exists and Equal` });
  if (!isEffect(from.effect))
    wrong.push({
      field: `${path}.effect`,
      description: `found "${from.effect}"; allowed are NoSchedule, PreferNoSchedule, NoExecute, or nothing for any`,
    });
  if (from.tolerationSeconds !== undefined && from.effect !== 'NoExecute')
    wrong.push({
      field: `${path}.toleration_seconds`,
      description: `found ${from.tolerationSeconds} with the effect "${from.effect}"; allowed is it with NoExecute`,
    });
  return {
    key: from.key,
    operator: operator === 'Exists' ? 'Exists' : 'Equal',
    value: from.value,
    effect: isEffect(from.effect) ? from.effect : '',
    ...defined({
      tolerationSeconds: from.tolerationSeconds === undefined ? undefined : Number(from.tolerationSeconds),
    }),
  };
}

/** Reads a policy; what is wrong in words is added to `wrong`, numbers and names are the schema's to check. */
export function policyFromWire(
  from: wire.PlacementPolicy | undefined,
  path: string,
  wrong: FieldViolation[],
): PlacementPolicy {
  if (from === undefined) return anywhere;
  const division: PlacementPolicy['division'] | undefined = divisionFromWire[from.division];
  if (division === undefined)
    wrong.push({
      field: `${path}.division`,
      description: `found ${from.division}; allowed are ${Object.keys(divisionToWire).join(', ')}`,
    });
  return {
    clusters: [...from.clusters],
    regions: [...from.regions],
    zones: [...from.zones],
    providers: [...from.providers],
    labels: { ...from.labels },
    tolerations: from.tolerations.map((each, index) =>
      tolerationFromWire(each, `${path}.tolerations[${index}]`, wrong),
    ),
    division: division ?? 'divided',
    minClusters: from.minClusters,
    maxClusters: from.maxClusters,
    ...defined({
      spread: unlessEmpty(from.spread.map(spreadFromWire)),
      weights: unlessEmpty(from.weights.map(({ by, weights }) => ({ by, weights: { ...weights } }))),
      remainderMethod: word(
        from.remainderMethod,
        remainderMethodFromWire,
        remainderMethodToWire,
        `${path}.remainder_method`,
        wrong,
      ),
      minReplicas: unlessZero(from.minReplicas),
      maxReplicas: unlessZero(from.maxReplicas),
      clusterGroups: unlessEmpty(from.clusterGroups.map(groupFromWire)),
      maxPriceMicros: from.maxPriceMicros === undefined ? undefined : Number(from.maxPriceMicros),
      strategy: word(from.strategy, strategyFromWire, strategyToWire, `${path}.strategy`, wrong),
      costWeight: unlessZero(from.costWeight),
      carbonWeight: unlessZero(from.carbonWeight),
      residency: unlessEmpty([...from.residency]),
      affinity: unlessEmpty(from.affinity.map(affinityFromWire)),
      leaveData: from.leaveData ? true : undefined,
      moveCost: from.moveCost,
      clusterGroupMode: word(
        from.clusterGroupMode,
        clusterGroupModeFromWire,
        clusterGroupModeToWire,
        `${path}.cluster_group_mode`,
        wrong,
      ),
    }),
  };
}

/** What was handed in before a list was there has none: empty and absent are the same. */
const unlessEmpty = <T>(list: T[]): T[] | undefined => (list.length === 0 ? undefined : list);

const unlessZero = (bound: number): number | undefined => (bound === 0 ? undefined : bound);

/** Undefined for what is not said; a number that is none of these is added to `wrong`. */
/** A word of the wire; one that is not known is added to `wrong`. */
export function word<N extends number, W>(
  from: N,
  fromWire: Readonly<Record<N, W | undefined>>,
  toWire: object,
  field: string,
  wrong: FieldViolation[],
): W | undefined {
  if (!(from in fromWire))
    wrong.push({ field, description: `found ${from}; allowed are ${Object.keys(toWire).join(', ')}` });
  return fromWire[from];
}

const groupFromWire = ({ clusters, regions, zones, providers, labels }: wire.ClusterGroup): ClusterGroup => ({
  clusters: [...clusters],
  regions: [...regions],
  zones: [...zones],
  providers: [...providers],
  labels: { ...labels },
});

const affinityFromWire = ({ application, component, by, apart, preferred }: wire.Affinity): Affinity => ({
  ...{ application, component, by: by === '' ? 'cluster' : by, apart, preferred },
});

const spreadFromWire = ({ by, minDomains, maxDomains, maxSkew }: wire.Spread): SpreadPolicy => ({
  ...{ by, minDomains, maxDomains, maxSkew },
});

export function policyToWire(policy: PlacementPolicy): wire.PlacementPolicy {
  const {
    labels,
    tolerations,
    division,
    spread = [],
    weights = [],
    remainderMethod,
    strategy,
    minReplicas,
    maxReplicas,
    clusterGroups = [],
    clusterGroupMode: mode,
    maxPriceMicros,
    costWeight = 0,
    carbonWeight = 0,
    residency = [],
    affinity = [],
    leaveData = false,
    ...plain
  } = policy;
  return create(wire.PlacementPolicySchema, {
    ...plain,
    labels: { ...labels },
    tolerations: tolerations.map(
      ({ tolerationSeconds: seconds, ...each }): MessageInitShape<typeof wire.TolerationSchema> => ({
        ...each,
        ...defined({ tolerationSeconds: seconds === undefined ? undefined : BigInt(seconds) }),
      }),
    ),
    division: divisionToWire[division],
    spread: spread.map((each): MessageInitShape<typeof wire.SpreadSchema> => ({ ...each })),
    weights: weights.map(({ by, weights: shares }) => ({ by, weights: { ...shares } })),
    minReplicas: minReplicas ?? 0,
    maxReplicas: maxReplicas ?? 0,
    clusterGroups: clusterGroups.map((each): MessageInitShape<typeof wire.ClusterGroupSchema> => ({ ...each })),
    ...{ costWeight, carbonWeight, residency: [...residency], leaveData },
    affinity: affinity.map((each): MessageInitShape<typeof wire.AffinitySchema> => ({ ...each })),
    ...defined({ maxPriceMicros: maxPriceMicros === undefined ? undefined : BigInt(maxPriceMicros) }),
    ...defined({ clusterGroupMode: mode === undefined ? undefined : clusterGroupModeToWire[mode] }),
    ...defined({ strategy: strategy === undefined ? undefined : strategyToWire[strategy] }),
    ...defined({ remainderMethod: remainderMethod === undefined ? undefined : remainderMethodToWire[remainderMethod] }),
  });
}
