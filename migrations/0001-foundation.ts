import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The whole first schema: who calls, what they hand in, what was decided, what clusters are to hold, what agents saw.
 * Tenant leads every composite key. Amounts are integers: thousandths of a core, bytes, pods.
 */
export class Foundation1795300000001 implements MigrationInterface {
  name = 'Foundation1795300000001';

  async up(queryRunner: QueryRunner): Promise<void> {
    for (const part of [tenancy, applications, fleet, decisions, works, records, feed]) await queryRunner.query(part);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      DROP TABLE feed, feed_state, outbox, audit, idempotency, operations, work_status, tombstones, work_objects, works,
        reservations, placements, decisions, enrolment_tokens, certificates, cluster_agents, cluster_schemas,
        cluster_capacity, clusters, object_claims, releases, revisions, applications, api_keys, environments, projects,
        tenants, incarnation`);
  }
}

const tenancy = `
  -- The life of the store: a restore writes a new one.
  CREATE TABLE incarnation (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    id text NOT NULL DEFAULT substr(replace(gen_random_uuid()::text, '-', ''), 1, 12),
    began_at timestamptz NOT NULL DEFAULT clock_timestamp()
  );
  INSERT INTO incarnation DEFAULT VALUES;

  CREATE TABLE tenants (
    id text PRIMARY KEY,
    display_name text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
  );

  CREATE TABLE projects (
    tenant_id text NOT NULL REFERENCES tenants,
    id text NOT NULL,
    display_name text NOT NULL DEFAULT '',
    -- NULL is no limit.
    quota_mcpu bigint, quota_memory_bytes bigint, quota_pods bigint,
    used_mcpu bigint NOT NULL DEFAULT 0, used_memory_bytes bigint NOT NULL DEFAULT 0, used_pods bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, id),
    CHECK (used_mcpu >= 0 AND used_memory_bytes >= 0 AND used_pods >= 0)
  );

  CREATE TABLE environments (
    tenant_id text NOT NULL, project_id text NOT NULL, id text NOT NULL,
    display_name text NOT NULL DEFAULT '',
    namespace text NOT NULL UNIQUE,
    config_version bigint NOT NULL DEFAULT 1,
    next_release bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, project_id, id),
    FOREIGN KEY (tenant_id, project_id) REFERENCES projects
  );

  -- tenant_id is NULL for operators' keys. secret_hash is SHA-256: the secret is 256 random bits, there is nothing to stretch.
  CREATE TABLE api_keys (
    id text PRIMARY KEY,
    tenant_id text REFERENCES tenants,
    project_id text,
    display_name text NOT NULL DEFAULT '',
    role text NOT NULL CHECK (role IN ('viewer', 'developer', 'owner', 'operator')),
    secret_hash bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz, revoked_at timestamptz,
    CHECK ((role = 'operator') = (tenant_id IS NULL)),
    FOREIGN KEY (tenant_id, project_id) REFERENCES projects
  );
  CREATE INDEX api_keys_of_tenant ON api_keys (tenant_id, id);`;

const applications = `
  CREATE TABLE applications (
    tenant_id text NOT NULL, project_id text NOT NULL, id text NOT NULL,
    uid uuid NOT NULL UNIQUE,
    -- Grows with every accepted change: the etag.
    version bigint NOT NULL DEFAULT 1,
    latest_revision bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- Deletion was asked for; the row goes when every member has confirmed.
    deleted_at timestamptz,
    PRIMARY KEY (tenant_id, project_id, id),
    FOREIGN KEY (tenant_id, project_id) REFERENCES projects
  );

  CREATE TABLE revisions (
    tenant_id text NOT NULL, application_uid uuid NOT NULL REFERENCES applications (uid) ON DELETE CASCADE,
    number bigint NOT NULL,
    spec jsonb NOT NULL,
    digest text NOT NULL,
    author text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, application_uid, number)
  );

  CREATE TABLE releases (
    tenant_id text NOT NULL, project_id text NOT NULL, environment_id text NOT NULL,
    number bigint NOT NULL,
    application_id text NOT NULL, application_uid uuid NOT NULL,
    revision bigint NOT NULL,
    config_version bigint NOT NULL,
    author text NOT NULL,
    phase text NOT NULL CHECK (phase IN ('waiting', 'refused', 'placed', 'superseded', 'removing', 'removed')),
    generation bigint NOT NULL DEFAULT 1,
    -- Why no cluster fits: [{reason, message, facts}].
    refusals jsonb NOT NULL DEFAULT '[]',
    -- Which changes of the fleet could make it placeable.
    wake_on text[] NOT NULL DEFAULT '{}',
    -- What the project was charged for it.
    charged_mcpu bigint NOT NULL DEFAULT 0, charged_memory_bytes bigint NOT NULL DEFAULT 0, charged_pods bigint NOT NULL DEFAULT 0,
    -- When the present phase must have ended.
    deadline timestamptz,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, project_id, environment_id, number),
    FOREIGN KEY (tenant_id, project_id, environment_id) REFERENCES environments
  );
  -- One release asks, one holds; older ones are history.
  CREATE UNIQUE INDEX releases_asking ON releases (tenant_id, application_uid, project_id, environment_id) WHERE phase IN ('waiting', 'refused');
  CREATE UNIQUE INDEX releases_holding ON releases (tenant_id, application_uid, project_id, environment_id) WHERE phase IN ('placed', 'removing');
  -- The schedulers' backlog.
  CREATE INDEX releases_backlog ON releases (phase, updated_at) WHERE phase IN ('waiting', 'removing');
  CREATE INDEX releases_overdue ON releases (deadline) WHERE deadline IS NOT NULL;

  -- Two applications in one environment share a namespace: each object's name belongs to one of them.
  CREATE TABLE object_claims (
    tenant_id text NOT NULL, project_id text NOT NULL, environment_id text NOT NULL,
    kind text NOT NULL, name text NOT NULL,
    application_uid uuid NOT NULL REFERENCES applications (uid) ON DELETE CASCADE,
    PRIMARY KEY (tenant_id, project_id, environment_id, kind, name),
    FOREIGN KEY (tenant_id, project_id, environment_id) REFERENCES environments
  );
  CREATE INDEX object_claims_of_application ON object_claims (application_uid);`;

const fleet = `
  CREATE TABLE clusters (
    id text PRIMARY KEY,
    version bigint NOT NULL DEFAULT 1,
    region text NOT NULL DEFAULT '', zone text NOT NULL DEFAULT '', provider text NOT NULL DEFAULT '',
    labels jsonb NOT NULL DEFAULT '{}',
    taints jsonb NOT NULL DEFAULT '[]',
    cordoned boolean NOT NULL DEFAULT false,
    oversubscribe_mcpu_permille integer NOT NULL DEFAULT 1000,
    oversubscribe_memory_permille integer NOT NULL DEFAULT 1000,
    phase text NOT NULL DEFAULT 'pending' CHECK (phase IN ('pending', 'ready', 'unreachable', 'removing')),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
  );

  -- The row that a batch of decisions locks, in order of cluster_id: figures are arbitrated here and nowhere else.
  CREATE TABLE cluster_capacity (
    cluster_id text PRIMARY KEY REFERENCES clusters ON DELETE CASCADE,
    -- The last sequence given to a work or tombstone: gap-free, in commit order.
    work_sequence bigint NOT NULL DEFAULT 0,
    allocatable_mcpu bigint NOT NULL DEFAULT 0, allocatable_memory_bytes bigint NOT NULL DEFAULT 0, allocatable_pods bigint NOT NULL DEFAULT 0,
    foreign_mcpu bigint NOT NULL DEFAULT 0, foreign_memory_bytes bigint NOT NULL DEFAULT 0, foreign_pods bigint NOT NULL DEFAULT 0,
    -- Sum of this cluster's reservations that are held or releasing.
    reserved_mcpu bigint NOT NULL DEFAULT 0, reserved_memory_bytes bigint NOT NULL DEFAULT 0, reserved_pods bigint NOT NULL DEFAULT 0,
    -- Requests of Berth's pods, and p95 of measured use; NULL measure when there are no metrics.
    berth_mcpu bigint NOT NULL DEFAULT 0, berth_memory_bytes bigint NOT NULL DEFAULT 0, berth_pods bigint NOT NULL DEFAULT 0,
    measured_mcpu bigint, measured_memory_bytes bigint, measured_at timestamptz,
    nodes integer NOT NULL DEFAULT 0, ready_nodes integer NOT NULL DEFAULT 0,
    -- [{nodes, free: {mcpu, memoryBytes, pods}, architecture, taints}], at most 64.
    classes jsonb NOT NULL DEFAULT '[]',
    kinds text[] NOT NULL DEFAULT '{}',
    schema_digest text NOT NULL DEFAULT '',
    server_version text NOT NULL DEFAULT '',
    -- The last work sequence whose pods are in these figures.
    reflected_work_sequence bigint NOT NULL DEFAULT 0,
    reported_at timestamptz,
    CHECK (reserved_mcpu >= 0 AND reserved_memory_bytes >= 0 AND reserved_pods >= 0)
  );

  CREATE TABLE cluster_schemas (
    digest text PRIMARY KEY,
    -- Kind to tree of declared fields.
    content jsonb NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT clock_timestamp()
  );

  CREATE TABLE cluster_agents (
    cluster_id text PRIMARY KEY REFERENCES clusters ON DELETE CASCADE,
    -- Granted each time a stream is accepted; an older epoch writes nothing.
    epoch bigint NOT NULL DEFAULT 0,
    hub_id text NOT NULL DEFAULT '',
    agent_version text NOT NULL DEFAULT '',
    -- uid of the member's kube-system namespace.
    member_uid text NOT NULL DEFAULT '',
    connected boolean NOT NULL DEFAULT false,
    lease_expires_at timestamptz,
    -- The last status sequence of this epoch that is stored, and whether its first full report is.
    status_sequence bigint NOT NULL DEFAULT 0,
    full_report_at timestamptz,
    applied_work_sequence bigint NOT NULL DEFAULT 0,
    certificate_expires_at timestamptz
  );
  CREATE INDEX cluster_agents_by_lease ON cluster_agents (lease_expires_at);

  CREATE TABLE certificates (
    serial text PRIMARY KEY,
    cluster_id text NOT NULL,
    issued_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz
  );
  CREATE INDEX certificates_of_cluster ON certificates (cluster_id);

  CREATE TABLE enrolment_tokens (
    id text PRIMARY KEY,
    cluster_id text NOT NULL REFERENCES clusters ON DELETE CASCADE,
    secret_hash bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL,
    used_at timestamptz, voided_at timestamptz
  );
  CREATE INDEX enrolment_tokens_of_cluster ON enrolment_tokens (cluster_id);`;

const decisions = `
  CREATE TABLE decisions (
    tenant_id text NOT NULL, id uuid NOT NULL,
    project_id text NOT NULL, environment_id text NOT NULL, release_number bigint NOT NULL,
    placed boolean NOT NULL,
    engine_version text NOT NULL, policy_hash text NOT NULL, feed_position bigint NOT NULL,
    -- Packed by libs/placement; explain expands it.
    record bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, id)
  );
  CREATE INDEX decisions_of_release ON decisions (tenant_id, project_id, environment_id, release_number, created_at DESC);

  CREATE TABLE placements (
    tenant_id text NOT NULL, project_id text NOT NULL, environment_id text NOT NULL,
    application_uid uuid NOT NULL, component text NOT NULL, cluster_id text NOT NULL REFERENCES clusters,
    replicas integer NOT NULL CHECK (replicas >= 0),
    release_number bigint NOT NULL,
    decision_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, project_id, environment_id, application_uid, component, cluster_id)
  );
  CREATE INDEX placements_in_cluster ON placements (cluster_id);

  -- held → releasing → freed (the row goes). Freed only when the agent says that the pods are gone.
  CREATE TABLE reservations (
    id uuid PRIMARY KEY,
    tenant_id text NOT NULL,
    cluster_id text NOT NULL REFERENCES clusters,
    work_id uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('held', 'releasing')),
    -- The pods it is for: how many, and what each asks.
    replicas integer NOT NULL,
    replica_mcpu bigint NOT NULL, replica_memory_bytes bigint NOT NULL,
    mcpu bigint NOT NULL, memory_bytes bigint NOT NULL, pods bigint NOT NULL,
    -- The sequence of the work that it was made or released with.
    work_sequence bigint NOT NULL,
    -- Releasing: the generation at which the agent must have seen the pods go.
    work_generation bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
  );
  CREATE UNIQUE INDEX reservations_held ON reservations (work_id) WHERE state = 'held';
  CREATE INDEX reservations_of_work ON reservations (work_id);
  CREATE INDEX reservations_in_cluster ON reservations (cluster_id, work_sequence);`;

const works = `
  -- Desired state. One row is what one cluster is to hold for one component.
  CREATE TABLE works (
    id uuid PRIMARY KEY,
    cluster_id text NOT NULL REFERENCES clusters,
    tenant_id text NOT NULL, project_id text NOT NULL, environment_id text NOT NULL,
    application_id text NOT NULL, application_uid uuid NOT NULL, component text NOT NULL,
    release_number bigint NOT NULL,
    namespace text NOT NULL,
    sequence bigint NOT NULL,
    generation bigint NOT NULL DEFAULT 1,
    -- False: the cluster is to hold nothing of it any more; the row goes when that is confirmed.
    wanted boolean NOT NULL DEFAULT true,
    -- Kubernetes objects, in the order in which they are applied; [] when not wanted.
    manifests jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
  );
  CREATE UNIQUE INDEX works_of_component ON works (tenant_id, project_id, environment_id, application_uid, component, cluster_id);
  CREATE UNIQUE INDEX works_in_sequence ON works (cluster_id, sequence);
  CREATE INDEX works_in_environment ON works (cluster_id, tenant_id, project_id, environment_id);

  -- Every object that a work has ever ordered and that is not yet confirmed gone: what tombstones may name.
  CREATE TABLE work_objects (
    work_id uuid NOT NULL REFERENCES works ON DELETE CASCADE,
    api_version text NOT NULL, kind text NOT NULL, namespace text NOT NULL, name text NOT NULL,
    -- NULL while wanted; else the generation of the work that dropped it.
    dropped_generation bigint,
    PRIMARY KEY (work_id, kind, namespace, name, api_version)
  );
  CREATE INDEX work_objects_dropped ON work_objects (work_id) WHERE dropped_generation IS NOT NULL;

  -- The order to delete one object. Lives until its agent has confirmed it.
  CREATE TABLE tombstones (
    id uuid PRIMARY KEY,
    -- Retiring a cluster's identity ends its tombstones, confirmed or not.
    cluster_id text NOT NULL REFERENCES clusters ON DELETE CASCADE,
    tenant_id text NOT NULL,
    work_id uuid NOT NULL,
    sequence bigint NOT NULL,
    generation bigint NOT NULL,
    api_version text NOT NULL, kind text NOT NULL, namespace text NOT NULL, name text NOT NULL,
    uid text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    confirmed_at timestamptz,
    outcome text CHECK (outcome IN ('deleted', 'absent', 'replaced', 'foreign-left')),
    message text NOT NULL DEFAULT ''
  );
  CREATE UNIQUE INDEX tombstones_in_sequence ON tombstones (cluster_id, sequence);
  CREATE INDEX tombstones_open ON tombstones (cluster_id, sequence) WHERE confirmed_at IS NULL;
  CREATE INDEX tombstones_of_work ON tombstones (work_id);

  -- What the agent saw. (epoch, sequence) decides; stamped by the store's clock.
  CREATE TABLE work_status (
    work_id uuid PRIMARY KEY REFERENCES works ON DELETE CASCADE,
    cluster_id text NOT NULL, tenant_id text NOT NULL,
    epoch bigint NOT NULL, sequence bigint NOT NULL,
    generation bigint NOT NULL,
    phase text NOT NULL CHECK (phase IN ('pending', 'applying', 'ready', 'degraded', 'failed')),
    desired integer NOT NULL, updated integer NOT NULL, ready integer NOT NULL, unavailable integer NOT NULL, restarts integer NOT NULL,
    reasons jsonb NOT NULL DEFAULT '[]',
    -- [{apiVersion, kind, namespace, name, uid, resourceVersion, ready}]
    objects jsonb NOT NULL DEFAULT '[]',
    reported_at timestamptz NOT NULL DEFAULT clock_timestamp()
  );
  CREATE INDEX work_status_in_cluster ON work_status (cluster_id);`;

const records = `
  CREATE TABLE operations (
    id uuid PRIMARY KEY,
    -- NULL for the fleet's.
    tenant_id text REFERENCES tenants,
    kind text NOT NULL, target text NOT NULL,
    -- What it is done to, when names alone could be used again: an application's uid, a cluster's id.
    subject text NOT NULL DEFAULT '',
    done boolean NOT NULL DEFAULT false,
    completed_steps bigint NOT NULL DEFAULT 0, total_steps bigint NOT NULL DEFAULT 0,
    message text NOT NULL DEFAULT '',
    error jsonb,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    deadline timestamptz,
    ended_at timestamptz
  );
  CREATE INDEX operations_of_tenant ON operations (tenant_id, created_at DESC);
  CREATE INDEX operations_open ON operations (kind, subject) WHERE NOT done;

  -- The answer to a request id, for as long as it is kept. tenant_id is '' for operators.
  CREATE TABLE idempotency (
    tenant_id text NOT NULL, method text NOT NULL, request_id text NOT NULL,
    -- SHA-256 of the request.
    fingerprint bytea NOT NULL,
    response bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, method, request_id)
  );
  CREATE INDEX idempotency_by_age ON idempotency (created_at);

  -- Who, when, what, before, after: written in the transaction of the change. Append-only.
  CREATE TABLE audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    tenant_id text,
    actor text NOT NULL, action text NOT NULL, target text NOT NULL,
    request_id text NOT NULL DEFAULT '',
    before jsonb, after jsonb
  );
  CREATE INDEX audit_of_tenant ON audit (tenant_id, at);
  CREATE INDEX audit_of_target ON audit (target, at);`;

const feed = `
  -- Announcements, written in the transaction of the change. The sequencer moves them to the feed.
  CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    transaction xid8 NOT NULL DEFAULT pg_current_xact_id(),
    tenant_id text,
    kind text NOT NULL, resource text NOT NULL, version bigint NOT NULL DEFAULT 0
  );
  CREATE INDEX outbox_in_order ON outbox (transaction, id);

  -- One dense order below every running transaction. Never a body: readers fetch it under their own rights.
  CREATE TABLE feed (
    position bigint PRIMARY KEY,
    tenant_id text,
    kind text NOT NULL, resource text NOT NULL, version bigint NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
  );
  CREATE TABLE feed_state (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    -- The last position given, and the first that is still kept.
    position bigint NOT NULL DEFAULT 0,
    kept_from bigint NOT NULL DEFAULT 1
  );
  INSERT INTO feed_state DEFAULT VALUES;`;
