import { createHash, timingSafeEqual } from 'node:crypto';
import type { Ids } from '#domain';

/** A key's text in its parts: `berth_<keyId>_<secret>`. */
export interface ApiKeyText {
  keyId: string;
  secret: string;
}

const form = /^berth_([a-z0-9]{1,32})_([A-Za-z0-9_-]{16,128})$/;

/** Undefined for text that is no key. */
export function parseApiKey(text: string): ApiKeyText | undefined {
  const match = form.exec(text);
  if (match?.[1] === undefined || match[2] === undefined) return undefined;
  return { keyId: match[1], secret: match[2] };
}

export const apiKeyText = ({ keyId, secret }: ApiKeyText): string => `berth_${keyId}_${secret}`;

/** 256 random bits: there is nothing to stretch, so a plain digest of them is kept. */
export const newApiKey = (ids: Ids): ApiKeyText => ({
  keyId: ids.shortId(12),
  secret: Buffer.from(ids.secret(32)).toString('base64url'),
});

export const hashOf = (secret: string): Buffer => createHash('sha256').update(secret).digest();

/** Takes as long for a wrong secret as for the right one. */
export const matches = (secret: string, hash: Uint8Array): boolean => timingSafeEqual(hashOf(secret), hash);
