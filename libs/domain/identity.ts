/** Identities are slugs that people choose (DNS labels), uids that Berth makes (UUIDv7 where order helps). */
export type TenantId = string;
export type ProjectId = string;
export type EnvironmentId = string;
export type ApplicationId = string;
export type ClusterId = string;
export type ComponentName = string;

/** Where new identities come from. Handed in, so that a simulation can repeat them. */
export interface Ids {
  /** A UUID, lower case, 36 characters. */
  uuid(): string;
  /** `length` characters of [a-z0-9], the first a letter: safe in DNS labels. */
  shortId(length: number): string;
  /** `bytes` random bytes for credentials. */
  secret(bytes: number): Uint8Array;
}

/** Chance in [0, 1): jitter and sampling, never identities or secrets. */
export type Chance = () => number;

/** Chance that repeats itself for the same seed: mulberry32 (Tommy Ettinger, public domain), on 32 bits of the seed. */
export function seededChance(seed: number): Chance {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** RFC 1123 label: what Kubernetes accepts for namespaces and Services' names. */
export const dnsLabel = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** The life of the store: a restore begins a new one. Every generation, sequence and resume token carries it. */
export type Incarnation = string;

/** A place in an order that belongs to one incarnation. */
export interface Position {
  incarnation: Incarnation;
  sequence: bigint;
}
