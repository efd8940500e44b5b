import { createHash } from 'node:crypto';

const ticketForm = /^tunnel_([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})_([A-Za-z0-9_-]{16,128})$/;

/** `tunnel_<id>_<secret>`, as a gateway makes it; undefined for anything else. */
export function readTicket(text: string): { id: string; secretHash: Uint8Array } | undefined {
  const match = ticketForm.exec(text);
  if (match?.[1] === undefined || match[2] === undefined) return undefined;
  return { id: match[1], secretHash: createHash('sha256').update(match[2]).digest() };
}
