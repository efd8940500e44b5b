import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Releases refused because of where other applications of their environment are wait again as soon as one of those is
 * placed or goes, in the transaction that says so.
 */
export class NeighboursWake1795400000019 implements MigrationInterface {
  name = 'NeighboursWake1795400000019';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE INDEX releases_beside_others ON releases (tenant_id, project_id, environment_id)
        WHERE phase = 'refused' AND wake_on @> '{application.moved}';

      -- Whoever moves an application is not asked which others there are: it runs as the owner.
      CREATE FUNCTION wake_neighbours() RETURNS trigger
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
      BEGIN
        WITH woken AS (
          UPDATE releases SET phase = 'waiting', generation = generation + 1, updated_at = clock_timestamp(),
            deadline = clock_timestamp() + interval '1 minute'
          WHERE (tenant_id, project_id, environment_id, number) IN (
            SELECT l.tenant_id, l.project_id, l.environment_id, l.number
            FROM (SELECT DISTINCT tenant_id, project_id, environment_id FROM moved) m
            JOIN releases l ON l.tenant_id = m.tenant_id AND l.project_id = m.project_id
              AND l.environment_id = m.environment_id
            WHERE l.phase = 'refused' AND l.wake_on @> '{application.moved}'
            ORDER BY l.tenant_id, l.project_id, l.environment_id, l.number FOR UPDATE OF l SKIP LOCKED)
          RETURNING tenant_id, project_id, environment_id, number)
        INSERT INTO outbox (tenant_id, kind, resource)
          SELECT tenant_id, 'release', project_id || '/' || environment_id || '/' || number FROM woken;
        RETURN NULL;
      END $$;
      REVOKE ALL ON FUNCTION wake_neighbours() FROM PUBLIC;

      CREATE TRIGGER came_to_a_cluster AFTER INSERT ON placements REFERENCING NEW TABLE AS moved
        FOR EACH STATEMENT EXECUTE FUNCTION wake_neighbours();
      CREATE TRIGGER left_a_cluster AFTER DELETE ON placements REFERENCING OLD TABLE AS moved
        FOR EACH STATEMENT EXECUTE FUNCTION wake_neighbours()`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      DROP TRIGGER left_a_cluster ON placements;
      DROP TRIGGER came_to_a_cluster ON placements;
      DROP FUNCTION wake_neighbours();
      DROP INDEX releases_beside_others`);
  }
}
