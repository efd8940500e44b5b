import { canonicalJson } from '#domain';
import { builtInDividers } from './dividing/dividers.js';
import { contentOf, type EnginePlugin, externalFilter, externalScorer } from './external/plugins.js';
import { neighbourly } from './filters/affinity.js';
import { builtInFilters } from './filters/built-in.js';
import { carbon, cost } from './fleet/cost.js';
import type { ClusterFilter, ClusterScorer, Divider } from './plugin.js';
import { certainty, fullness, stranding } from './scoring/packing.js';
import { evenness, headroom, regionSpread, sticky } from './scoring/scorers.js';

/** Grows whenever the same input could be decided otherwise. Stored with every decision. */
export const engineVersion = '4';

/** What decides: plug-ins in the order in which they are asked. */
export interface EnginePolicy {
  filters: readonly ClusterFilter[];
  scorers: readonly ClusterScorer[];
  /** Chosen by the name that a placement policy gives as `division`. */
  dividers: readonly Divider[];
  /** Safety on measured use, in thousandths: 1100 counts a tenth more than was measured. */
  safetyPermille: number;
  /** Plug-ins from outside, in the order of their answers; their filters and scorers are among those above. */
  plugins?: readonly EnginePlugin[];
}

const safetyPermille = 1100;

export const defaultPolicy: EnginePolicy = {
  filters: builtInFilters,
  scorers: [
    headroom(safetyPermille, 10),
    sticky(50),
    regionSpread(1),
    cost(20),
    carbon(15),
    stranding(20),
    fullness(1),
    certainty(1),
    neighbourly(30),
    evenness(20),
  ],
  dividers: builtInDividers,
  safetyPermille,
};

/** A policy that goes by plug-ins from outside, too. Their names differ from each other and from those in the policy. */
export function withPlugins(policy: EnginePolicy, plugins: readonly EnginePlugin[]): EnginePolicy {
  if (plugins.length === 0) return policy;
  return {
    ...policy,
    filters: [...policy.filters, ...plugins.flatMap(externalFilter)],
    scorers: [...policy.scorers, ...plugins.flatMap(externalScorer)],
    plugins,
  };
}

const hashes = new WeakMap<EnginePolicy, string>();

/** Names a policy: FNV-1a (64 bit, hex) of its canonical JSON. Policies are not changed once in use. */
export function policyHash(policy: EnginePolicy): string {
  const known = hashes.get(policy);
  if (known !== undefined) return known;
  const text = canonicalJson({
    filters: policy.filters.map(({ name }) => name),
    scorers: policy.scorers.map(({ name, weight }) => ({ name, weight })),
    dividers: policy.dividers.map(({ name }) => name),
    safetyPermille: policy.safetyPermille,
    ...(policy.plugins === undefined ? {} : { plugins: policy.plugins.map(contentOf) }),
  });
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  const hex = hash.toString(16).padStart(16, '0');
  hashes.set(policy, hex);
  return hex;
}
