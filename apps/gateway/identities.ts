import { randomBytes, randomInt } from 'node:crypto';
import type { Ids } from '#domain';

const letters = 'abcdefghijklmnopqrstuvwxyz';
const alphanumerics = `${letters}0123456789`;

/** UUIDv7 (RFC 9562): rising with time, so that indexes grow at one end. */
function uuidv7(now: number): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(now, 0, 6);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x70, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** Identities of a running process. */
export const systemIds: Ids = {
  uuid: () => uuidv7(Date.now()),
  shortId: (length) =>
    Array.from({ length }, (_, index) => {
      const alphabet = index === 0 ? letters : alphanumerics;
      return alphabet.charAt(randomInt(alphabet.length));
    }).join(''),
  secret: (bytes) => randomBytes(bytes),
};
