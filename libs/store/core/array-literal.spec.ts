import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestDatabase, type TestDatabase } from '../testing/database.js';
import { arrayLiteral } from './array-literal.js';

let database: TestDatabase;
let client: pg.Client;

beforeAll(async () => {
  database = await startTestDatabase();
  client = new pg.Client({ connectionString: database.superuserUrl });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await database.close();
});

const read = async (literal: string | undefined): Promise<unknown> =>
  (await client.query<{ read: unknown }>('SELECT $1::text[] AS read', [literal])).rows[0]?.read;

const texts = fc.oneof(
  fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\0', '')), // PostgreSQL has no such character
  fc.string({ unit: fc.constantFrom('"', '\\', ',', '{', '}', ' ', '\n', 'n', 'N', 'u', 'l', 'L') }),
  fc.constantFrom('null', 'NULL', '', 'cluster-00001', 'apps/v1'),
);

describe('arrayLiteral', () => {
  it('is read as what was written, whatever is in it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(texts, fc.constant(null)), { maxLength: 8 }), async (values) => {
        expect(await read(arrayLiteral(values))).toEqual(values);
      }),
      { numRuns: 500 },
    );
  });

  it('writes numbers and truths as PostgreSQL reads them', async () => {
    expect(await read(arrayLiteral([1, -2.5, 2 ** 53, 7n, true, undefined]))).toEqual([
      ...['1', '-2.5', '9007199254740992', '7', 'true'],
      null,
    ]);
  });

  it('leaves arrays of anything else to the driver', () => {
    expect(arrayLiteral([Buffer.from('a')])).toBeUndefined();
    expect(arrayLiteral([['a']])).toBeUndefined();
  });
});
