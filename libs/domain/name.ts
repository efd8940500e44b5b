import { z } from 'zod';
import { dnsLabel } from './identity.js';

/** What was found, for a message; cut off where it grows long. */
export const quoted = (input: unknown): string =>
  typeof input === 'string' ? `"${input.slice(0, 80)}"` : (JSON.stringify(input) ?? 'nothing');

/** A DNS label, as names of clusters, components and ports are. */
export const name = z.string().regex(dnsLabel, {
  error: (issue) =>
    `found ${quoted(issue.input)}; allowed are 1 to 63 of a-z, 0-9 and "-", starting and ending alphanumeric`,
});
