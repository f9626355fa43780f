import type { Knex } from 'knex';

/**
 * Columns of every fact table: version of the last good fact, where a snapshot last met the row, and a rejection newer
 * than the good fact. The two versions are kept apart, so that the order in which good and rejected records arrive does
 * not matter. \`log_offset\` -1 = no good fact yet (a bare row).
 */
const factColumns = /* sql */ `
  tenant text not null,
  id text not null,
  epoch bigint not null,
  lsn bigint not null,
  seq int not null,
  log_offset bigint not null,
  committed_at timestamptz not null,
  seen_snapshot text,
  seen_chunk int,
  deleted boolean not null default false,
  rejected_code text,
  rejected_detail jsonb,
  rejected_epoch bigint,
  rejected_lsn bigint,
  rejected_seq int,
  rejected_offset bigint,
  check ((rejected_code is null) = (rejected_offset is null)),
  primary key (tenant, id)`;

/** The sink's replica of the facts, and how far they were taken in. Written by ingest. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(/* sql */ `
    create schema sink;

    create table sink.ingest_offset (
      topic text not null,
      partition int not null,
      next_offset bigint not null,
      cluster_id text not null,
      generation text,
      rebuild_until bigint not null default 0,
      catch_up_until bigint not null default 0,
      updated_at timestamptz not null default now(),
      primary key (topic, partition)
    );
    comment on column sink.ingest_offset.rebuild_until is 'End of the log when this partition was first assigned: up to there history is read again, and no snapshot counts as proved before it is passed.';
    comment on column sink.ingest_offset.catch_up_until is 'This database is an older copy: Kafka knows that more had been ingested. Tenants of the partition send nothing before next_offset has come this far again.';

    create table sink.ingest_progress (
      tenant text primary key,
      passed_epoch bigint not null,
      passed_lsn bigint not null,
      tx_epoch bigint not null,
      tx_lsn bigint not null,
      tx_objects int not null
    );
    comment on table sink.ingest_progress is 'Per tenant: newest transaction whose last record was passed (ripeness), and how many objects the newest transaction has marked so far (lane bulk).';

    create table sink.tenant (${factColumns}, identifier text, name text, default_language text);
    create table sink.unit (${factColumns}, parent_id text, name text, unit_type text, reference text);
    create index on sink.unit (tenant, parent_id);
    create table sink.role (${factColumns}, name text, reference text);
    create table sink.person (${factColumns}, first_name text, last_name text, email text, language text,
      active boolean, admin boolean, reference text, expires_at timestamptz, anonymised boolean not null default false,
      expiry_marked boolean not null default false, swept boolean not null default false);
    comment on column sink.person.swept is 'Deleted by absence from a proved snapshot, not by a record of the source: never deletes a user (semantics.md §4).';
    create index on sink.person (tenant, lower(trim(email)));
    create index on sink.person (expires_at) where expires_at is not null and not expiry_marked;
    create table sink.membership (${factColumns}, person_id text, unit_id text, department_id text, ordinal int);
    create index on sink.membership (tenant, person_id);
    create index on sink.membership (tenant, unit_id);
    create index on sink.membership (tenant, department_id) where department_id is not null;
    create table sink.assignment (${factColumns}, membership_id text, role_id text, ordinal int);
    create index on sink.assignment (tenant, membership_id);
    create index on sink.assignment (tenant, role_id);

    create table sink.snapshot (
      tenant text not null,
      snapshot_id text not null,
      epoch bigint not null,
      lsn bigint not null,
      seq int not null,
      partition int not null,
      start_offset bigint not null,
      state text not null check (state in ('started', 'counted', 'proved', 'unproved', 'superseded')),
      chunks jsonb,
      detail jsonb,
      started_at timestamptz not null default now(),
      ended_at timestamptz,
      primary key (tenant, snapshot_id)
    );
    comment on column sink.snapshot.state is 'counted = the counts hold, but it was met while history was read again: proved once ingest has passed rebuild_until. A tenant without a proved snapshot sends nothing.';
    create index on sink.snapshot (partition) where state = 'counted';

    create table sink.erased (
      tenant text not null,
      person_id text not null,
      erased_by text,
      erased_at timestamptz not null default now(),
      primary key (tenant, person_id)
    );
    comment on table sink.erased is 'Register against resurrection: ingest keeps nothing of these people and of what refers to them, whatever comes again. Stays when the tenant is removed and added again.';
  `);
}
