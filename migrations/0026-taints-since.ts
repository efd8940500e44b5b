import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Since when a cluster has each of its taints: tolerations may be for so many seconds. */
export class TaintsSince1795400000026 implements MigrationInterface {
  name = 'TaintsSince1795400000026';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      -- {"key=value:effect": milliseconds since 1970}, by this database's clock.
      ALTER TABLE clusters ADD COLUMN taints_since jsonb NOT NULL DEFAULT '{}';

      CREATE FUNCTION note_taints_since() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        NEW.taints_since := coalesce((
          SELECT jsonb_object_agg(name, coalesce(
            CASE WHEN TG_OP = 'UPDATE' THEN OLD.taints_since -> name END,
            to_jsonb(floor(extract(epoch FROM clock_timestamp()) * 1000))))
          FROM (SELECT DISTINCT concat(taint ->> 'key', '=', taint ->> 'value', ':', taint ->> 'effect') AS name
            FROM jsonb_array_elements(NEW.taints) taint) named), '{}');
        RETURN NEW;
      END $$;
      CREATE TRIGGER clusters_taints_since BEFORE INSERT OR UPDATE OF taints ON clusters
        FOR EACH ROW EXECUTE FUNCTION note_taints_since();
      UPDATE clusters SET taints = taints`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      DROP TRIGGER clusters_taints_since ON clusters;
      DROP FUNCTION note_taints_since();
      ALTER TABLE clusters DROP COLUMN taints_since`);
  }
}
