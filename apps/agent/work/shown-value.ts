import { createHmac, randomBytes } from 'node:crypto';
import { canonicalJson, type JsonValue, type ObjectRef } from '#domain';

const longest = 500;
/** Of this process alone: equal values show as equal, and nobody can try which value a fingerprint is of. */
const key = randomBytes(32);

/** A value as it may be told: JSON, cut when long; of a Secret only a keyed fingerprint; empty when there is none. */
export function shownValue({ apiVersion, kind }: ObjectRef, value: JsonValue | undefined): string {
  if (value === undefined) return '';
  const text = canonicalJson(value);
  if (apiVersion === 'v1' && kind === 'Secret')
    return `hmac:${createHmac('sha256', key).update(text).digest('hex').slice(0, 16)}`;
  return text.length > longest ? `${text.slice(0, longest)}…` : text;
}
