import { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestDatabase, type TestDatabase } from '../testing/database.js';
import { entities } from './index.js';
import { projectEntity, tenantEntity } from './tenancy.js';

let database: TestDatabase;
let dataSource: DataSource;

beforeAll(async () => {
  database = await startTestDatabase();
  dataSource = new DataSource({ type: 'postgres', url: database.superuserUrl, entities });
  await dataSource.initialize();
});
afterAll(async () => {
  await dataSource.destroy();
  await database.close();
});

/** `name type nullable` of every column, in order. */
const described = (name: string, type: string, nullable: boolean) =>
  `${name} ${type} ${nullable ? 'NULL' : 'NOT NULL'}`;

describe('entities', () => {
  it.each(entities.map((entity) => [entity.options.tableName ?? '', entity] as const))(
    'describe table %s as migrated',
    async (table, entity) => {
      const migrated = await database.query<{ column_name: string; data_type: string; is_nullable: string }>(
        'SELECT column_name, data_type, is_nullable FROM information_schema.columns WHERE table_name = $1',
        [table],
      );
      const shortType = (type: string) =>
        type.replace('timestamp with time zone', 'timestamptz').replace('ARRAY', 'text');
      const mapped = dataSource.getMetadata(entity).columns;
      expect(
        mapped.map((column) => described(column.databaseName, String(column.type), column.isNullable)).sort(),
      ).toEqual(
        migrated
          .map((column) => described(column.column_name, shortType(column.data_type), column.is_nullable === 'YES'))
          .sort(),
      );
    },
  );

  it('carry amounts beyond 2^53 unharmed', async () => {
    await dataSource.getRepository(tenantEntity).insert({ id: 'acme' });
    const projects = dataSource.getRepository(projectEntity);
    await projects.insert({ tenant: 'acme', id: 'large', quotaMemoryBytes: 2n ** 60n + 1n });
    expect((await projects.findOneByOrFail({ id: 'large' })).quotaMemoryBytes).toBe(2n ** 60n + 1n);
  });
});
