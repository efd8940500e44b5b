import { createHash } from 'node:crypto';

const tokenForm = /^enrol_([a-z0-9-]{1,64})_([A-Za-z0-9_-]{16,128})_([0-9a-f]{64})$/;

/** `enrol_<id>_<secret>_<SHA-256 of the authority's certificate>`; undefined for anything else. */
export function readToken(text: string): { id: string; secretHash: Uint8Array } | undefined {
  const match = tokenForm.exec(text);
  if (match?.[1] === undefined || match[2] === undefined) return undefined;
  return { id: match[1], secretHash: createHash('sha256').update(match[2]).digest() };
}
