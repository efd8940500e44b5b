import { createHash } from 'node:crypto';
import { type FieldViolation, InvalidRequest } from '#domain';

const defaultSize = 100;
const largestSize = 1000;

/** A page that is asked for: `after` is where the one before ended, undefined at the beginning. */
export interface PageRequest {
  size: number;
  after: string | undefined;
}

/** Names a query: a token of another one is refused. */
const digestOf = (query: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(query)).digest('base64url').slice(0, 12);

/**
 * Reads page size and token. `query` is everything that the listing depends on besides them.
 *
 * @throws InvalidRequest naming the wrong one.
 */
export function readPage(request: { pageSize: number; pageToken: string }, query: readonly string[]): PageRequest {
  const wrong: FieldViolation[] = [];
  const { pageSize, pageToken } = request;
  if (pageSize < 0 || pageSize > largestSize)
    wrong.push({
      field: 'page_size',
      description: `found ${pageSize}; must be 1 to ${largestSize}, or 0 for ${defaultSize}`,
    });
  const place = placeIn(pageToken, digestOf(query));
  if (place === 'foreign')
    wrong.push({
      field: 'page_token',
      description: 'is not a token of this listing; allowed is the next_page_token of an answer to the same request',
    });
  if (wrong.length > 0 || place === 'foreign') throw new InvalidRequest(wrong);
  return { size: pageSize === 0 ? defaultSize : pageSize, after: place?.after };
}

function placeIn(token: string, digest: string): { after: string } | 'foreign' | undefined {
  if (token === '') return undefined;
  const text = Buffer.from(token, 'base64url').toString();
  const [found, ...rest] = text.split('\n');
  return found === digest && rest.length === 1 ? { after: rest.join('') } : 'foreign';
}

/** Cuts what was read (one more than the page holds, when there is more) and names where the next page begins. */
export function cutPage<T>(
  rows: readonly T[],
  page: PageRequest,
  query: readonly string[],
  placeOf: (row: T) => string,
): { rows: readonly T[]; nextPageToken: string } {
  const kept = rows.slice(0, page.size);
  const last = kept.at(-1);
  if (rows.length <= page.size || last === undefined) return { rows: kept, nextPageToken: '' };
  const text = `${digestOf(query)}\n${placeOf(last)}`;
  return { rows: kept, nextPageToken: Buffer.from(text).toString('base64url') };
}
