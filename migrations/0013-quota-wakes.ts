import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Whether a project's quota has room for what a refused release lacked; what the release frees that it replaces counts. */
const fits = (resource: string, column: string): string =>
  `WHEN '${resource}' THEN NEW.quota_${column} IS NULL OR asked <= NEW.quota_${column} - NEW.used_${column} + coalesce(holding.charged_${column}, 0)`;

/** Releases refused for a project's quota wait again as soon as it has room for them, in the transaction that made it. */
export class QuotaWakes1795400000013 implements MigrationInterface {
  name = 'QuotaWakes1795400000013';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE INDEX releases_short_of_quota ON releases (tenant_id, project_id)
        WHERE phase = 'refused' AND wake_on @> '{project.quota}';

      -- Operators set quotas and see no release: it runs as the owner. Whoever refuses for quota holds the project's row.
      CREATE FUNCTION wake_for_quota() RETURNS trigger
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
      BEGIN
        WITH woken AS (
          UPDATE releases SET phase = 'waiting', generation = generation + 1, updated_at = clock_timestamp(),
            deadline = clock_timestamp() + interval '1 minute'
          WHERE (tenant_id, project_id, environment_id, number) IN (
            SELECT l.tenant_id, l.project_id, l.environment_id, l.number
            FROM releases l
            CROSS JOIN LATERAL (SELECT (l.refusals #>> '{0,facts,asked}')::numeric AS asked) need
            LEFT JOIN releases holding ON holding.tenant_id = l.tenant_id AND holding.project_id = l.project_id
              AND holding.environment_id = l.environment_id AND holding.application_uid = l.application_uid
              AND holding.phase = 'placed'
            WHERE l.tenant_id = NEW.tenant_id AND l.project_id = NEW.id
              AND l.phase = 'refused' AND l.wake_on @> '{project.quota}'
              AND CASE l.refusals #>> '{0,facts,resource}'
                ${fits('mcpu', 'mcpu')}
                ${fits('memoryBytes', 'memory_bytes')}
                ${fits('pods', 'pods')}
                ELSE true END
            ORDER BY l.environment_id, l.number FOR UPDATE OF l SKIP LOCKED)
          RETURNING tenant_id, project_id, environment_id, number)
        INSERT INTO outbox (tenant_id, kind, resource)
          SELECT tenant_id, 'release', project_id || '/' || environment_id || '/' || number FROM woken;
        RETURN NULL;
      END $$;
      REVOKE ALL ON FUNCTION wake_for_quota() FROM PUBLIC;

      CREATE TRIGGER quota_raised AFTER UPDATE OF quota_mcpu, quota_memory_bytes, quota_pods ON projects
        FOR EACH ROW EXECUTE FUNCTION wake_for_quota();
      CREATE TRIGGER quota_given_back AFTER UPDATE OF used_mcpu, used_memory_bytes, used_pods ON projects
        FOR EACH ROW WHEN (NEW.used_mcpu < OLD.used_mcpu OR NEW.used_memory_bytes < OLD.used_memory_bytes
          OR NEW.used_pods < OLD.used_pods)
        EXECUTE FUNCTION wake_for_quota()`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      DROP TRIGGER quota_given_back ON projects;
      DROP TRIGGER quota_raised ON projects;
      DROP FUNCTION wake_for_quota();
      DROP INDEX releases_short_of_quota`);
  }
}
