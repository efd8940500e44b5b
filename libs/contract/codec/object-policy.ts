import { create } from '@bufbuild/protobuf';
import { defaultObjectPolicy, type FieldViolation, type ObjectPolicy } from '#domain';
import * as wire from '../wire.js';
import { defined, textOrAbsent } from './optional.js';

const driftToWire = {
  repair: wire.DriftPolicy.REPAIR,
  report: wire.DriftPolicy.REPORT,
  adopt: wire.DriftPolicy.ADOPT,
} as const satisfies Record<ObjectPolicy['drift'], wire.DriftPolicy>;

const driftFromWire = {
  [wire.DriftPolicy.UNSPECIFIED]: defaultObjectPolicy.drift,
  [wire.DriftPolicy.REPAIR]: 'repair',
  [wire.DriftPolicy.REPORT]: 'report',
  [wire.DriftPolicy.ADOPT]: 'adopt',
} as const satisfies Record<wire.DriftPolicy, ObjectPolicy['drift']>;

const immutableToWire = {
  refuse: wire.ImmutablePolicy.REFUSE,
  recreate: wire.ImmutablePolicy.RECREATE,
} as const satisfies Record<ObjectPolicy['immutable'], wire.ImmutablePolicy>;

const immutableFromWire = {
  [wire.ImmutablePolicy.UNSPECIFIED]: defaultObjectPolicy.immutable,
  [wire.ImmutablePolicy.REFUSE]: 'refuse',
  [wire.ImmutablePolicy.RECREATE]: 'recreate',
} as const satisfies Record<wire.ImmutablePolicy, ObjectPolicy['immutable']>;

const adoptionToWire = {
  never: wire.AdoptionPolicy.NEVER,
  existing: wire.AdoptionPolicy.EXISTING,
} as const satisfies Record<ObjectPolicy['adoption'], wire.AdoptionPolicy>;

const adoptionFromWire = {
  [wire.AdoptionPolicy.UNSPECIFIED]: defaultObjectPolicy.adoption,
  [wire.AdoptionPolicy.NEVER]: 'never',
  [wire.AdoptionPolicy.EXISTING]: 'existing',
} as const satisfies Record<wire.AdoptionPolicy, ObjectPolicy['adoption']>;

const replicasOwnerToWire = {
  broker: wire.ReplicasOwner.BROKER,
  autoscaler: wire.ReplicasOwner.AUTOSCALER,
} as const satisfies Record<ObjectPolicy['replicasOwner'], wire.ReplicasOwner>;

const replicasOwnerFromWire = {
  [wire.ReplicasOwner.UNSPECIFIED]: defaultObjectPolicy.replicasOwner,
  [wire.ReplicasOwner.BROKER]: 'broker',
  [wire.ReplicasOwner.AUTOSCALER]: 'autoscaler',
} as const satisfies Record<wire.ReplicasOwner, ObjectPolicy['replicasOwner']>;

/** Reads a policy; unknown words are added to `wrong` and take the default. An absent policy is every default. */
export function objectPolicyFromWire(
  from: wire.ObjectPolicy | undefined,
  path: string,
  wrong: FieldViolation[],
): ObjectPolicy {
  if (from === undefined) return defaultObjectPolicy;
  const word = <T>(field: string, number: number, found: T | undefined, table: object, fallback: T): T => {
    if (found !== undefined) return found;
    const description = `found ${number}; allowed are ${Object.keys(table).join(', ')}`;
    wrong.push({ field: `${path}.${field}`, description });
    return fallback;
  };
  const { drift, immutable, adoption, replicasOwner } = defaultObjectPolicy;
  return {
    drift: word('drift', from.drift, driftFromWire[from.drift], driftToWire, drift),
    immutable: word('immutable', from.immutable, immutableFromWire[from.immutable], immutableToWire, immutable),
    adoption: word('adoption', from.adoption, adoptionFromWire[from.adoption], adoptionToWire, adoption),
    replicasOwner: word(
      'replicas_owner',
      from.replicasOwner,
      replicasOwnerFromWire[from.replicasOwner],
      replicasOwnerToWire,
      replicasOwner,
    ),
    statusRules: from.statusRules.map(({ apiVersion, kind, ready, failed, message }) => ({
      ...{ apiVersion, kind, ready },
      ...defined({ failed: textOrAbsent(failed), message: textOrAbsent(message) }),
    })),
  };
}

export const objectPolicyToWire = (policy: ObjectPolicy): wire.ObjectPolicy =>
  create(wire.ObjectPolicySchema, {
    drift: driftToWire[policy.drift],
    immutable: immutableToWire[policy.immutable],
    adoption: adoptionToWire[policy.adoption],
    replicasOwner: replicasOwnerToWire[policy.replicasOwner],
    statusRules: policy.statusRules.map(({ failed = '', message = '', ...rule }) => ({ ...rule, failed, message })),
  });
