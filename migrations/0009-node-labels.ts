import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Node labels that live releases select by, and those by which a cluster's node classes are told apart. */
export class NodeLabels1795400000009 implements MigrationInterface {
  name = 'NodeLabels1795400000009';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      -- Keys in the required node selectors of its components.
      ALTER TABLE releases ADD COLUMN node_label_keys text[] NOT NULL DEFAULT '{}';
      UPDATE releases r SET node_label_keys = found.keys FROM (
        SELECT v.tenant_id, v.application_uid, v.number, array_agg(DISTINCT key #>> '{}') AS keys
        FROM revisions v CROSS JOIN LATERAL (
          SELECT jsonb_path_query(v.spec, '$.components[*] ? (@.kind != "daemon").workloadExtra.podSpec.nodeSelector.keyvalue().key') AS key
          UNION ALL SELECT jsonb_path_query(v.spec, '$.components[*] ? (@.kind != "daemon").workloadExtra.podSpec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[*].matchExpressions[*].key')) k
        GROUP BY 1, 2, 3) found
      WHERE (r.tenant_id, r.application_uid, r.revision) = (found.tenant_id, found.application_uid, found.number);
      CREATE INDEX releases_selecting ON releases (created_at)
        WHERE node_label_keys <> '{}' AND phase IN ('waiting', 'refused', 'placed');
      GRANT SELECT ON releases TO berth_hub;
      -- NULL: its agent tells no classes apart by labels.
      ALTER TABLE cluster_capacity ADD COLUMN label_keys text[]`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      ALTER TABLE cluster_capacity DROP COLUMN label_keys;
      REVOKE SELECT ON releases FROM berth_hub;
      DROP INDEX releases_selecting;
      ALTER TABLE releases DROP COLUMN node_label_keys`);
  }
}
