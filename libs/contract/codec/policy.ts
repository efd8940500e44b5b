import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { anywhere, type FieldViolation, type PlacementPolicy, type SpreadPolicy, type Toleration } from '#domain';
import * as wire from '../wire.js';
import { divisionFromWire, divisionToWire } from './enums.js';

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
  return {
    key: from.key,
    operator: operator === 'Exists' ? 'Exists' : 'Equal',
    value: from.value,
    effect: isEffect(from.effect) ? from.effect : '',
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
    ...(from.spread.length === 0 ? {} : { spread: from.spread.map(spreadFromWire) }),
  };
}

const spreadFromWire = ({ by, minDomains, maxDomains, maxSkew }: wire.Spread): SpreadPolicy => ({
  ...{ by, minDomains, maxDomains, maxSkew },
});

export const policyToWire = (policy: PlacementPolicy): wire.PlacementPolicy =>
  create(wire.PlacementPolicySchema, {
    ...policy,
    labels: { ...policy.labels },
    tolerations: policy.tolerations.map((each): MessageInitShape<typeof wire.TolerationSchema> => ({ ...each })),
    division: divisionToWire[policy.division],
    spread: (policy.spread ?? []).map((each): MessageInitShape<typeof wire.SpreadSchema> => ({ ...each })),
  });
