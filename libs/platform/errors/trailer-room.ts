/**
 * A status travels in HTTP/2 headers, of which Node sends 64 KiB: whoever is refused with more would hear nothing. What
 * grpc-js makes of a message is its percent-encoding, and of details their base64.
 */
const mostMessageLength = 8 * 1024;
const mostDetailBytes = 32 * 1024;
const ellipsis = '…';

/** As much of a message as can be sent, and no half of a character: grpc-js throws at one, and sends nothing. */
export const sendableMessage = (text: string): string => {
  const message = Buffer.from(text).toString();
  if (encodeURI(message).length <= mostMessageLength) return message;
  let room = mostMessageLength - encodeURI(ellipsis).length;
  let kept = '';
  for (const character of message) {
    room -= encodeURI(character).length;
    if (room < 0) break;
    kept += character;
  }
  return kept + ellipsis;
};

/** Those that fit beside the message, in their order. `sizeOf` answers bytes. */
export const sendableDetails = <T>(message: string, details: readonly T[], sizeOf: (detail: T) => number): T[] => {
  let room = mostDetailBytes - Buffer.byteLength(message);
  return details.filter((each) => {
    const size = sizeOf(each);
    if (size > room) return false;
    room -= size;
    return true;
  });
};
