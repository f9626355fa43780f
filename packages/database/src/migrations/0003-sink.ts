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

/** The sink: replica of the facts, and what is applied, outstanding and attempted at the targets. */
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

    create table sink.platform (
      id text primary key,
      base_url text not null,
      lease_token bigint not null default 0,
      lease_owner text,
      lease_until timestamptz,
      breaker text not null default 'closed' check (breaker in ('closed', 'open', 'half_open')),
      code text,
      updated_at timestamptz not null default now()
    );
    comment on column sink.platform.id is 'host#platform id of the token answer; before the first login: the base URL.';

    create table sink.replica (
      id text primary key,
      seen_at timestamptz not null default now()
    );
    comment on table sink.replica is 'Running sinks: each takes its share of the platforms.';

    create table sink.integration_state (
      integration_id uuid primary key references control.integration (id) on delete cascade,
      tenant text not null,
      platform text references sink.platform (id),
      state text not null check (state in ('new', 'waiting_for_snapshot', 'listing', 'planning', 'first_sync', 'live', 'halted')),
      code text,
      message text,
      top_unit_id text,
      top_department_id bigint,
      default_department_id bigint,
      snapshot_id text,
      first_sync_started_at timestamptz,
      first_sync_done_at timestamptz,
      first_sync_total int,
      planner_version int,
      drift_proved_at timestamptz,
      drift_known int,
      drift_differing int,
      generation int not null default 0,
      retry_at timestamptz not null default now(),
      updated_at timestamptz not null default now()
    );
    comment on column sink.integration_state.generation is 'Of control.integration when the state was written: a newer one lets a halted integration try again.';

    create function sink.notify_integration() returns trigger language plpgsql as $$
      begin perform pg_notify('orgstream_integration', ''); return null; end $$;
    create trigger integration_changed after insert or update or delete on control.integration
      for each statement execute function sink.notify_integration();
    create trigger stop_changed after update on control.stop
      for each statement execute function sink.notify_integration();

    create table sink.link (
      integration_id uuid not null references control.integration (id) on delete cascade,
      kind text not null check (kind in ('unit', 'role', 'person')),
      id text not null,
      platform text not null references sink.platform (id),
      target_id bigint not null,
      made_by_us boolean not null,
      is_top boolean not null default false,
      applied jsonb not null,
      cause_epoch bigint,
      cause_lsn bigint,
      linked_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      primary key (integration_id, kind, id)
    );
    create unique index link_target on sink.link (platform, kind, target_id) where not is_top;
    create index link_email on sink.link (integration_id, lower(applied ->> 'email')) where kind = 'person';
    create index link_departments on sink.link using gin ((applied -> 'departmentIds') jsonb_path_ops) where kind = 'person';
    create index link_permission_types on sink.link using gin ((applied -> 'permissionTypeIds') jsonb_path_ops) where kind = 'person';

    create sequence sink.work_generation;
    create table sink.work (
      integration_id uuid not null references control.integration (id) on delete cascade,
      kind text not null check (kind in ('unit', 'role', 'person')),
      id text not null,
      lane smallint not null,
      state text not null default 'ready' check (state in ('ready', 'waiting', 'held', 'parked', 'conflict')),
      code text,
      detail jsonb,
      waits_kind text,
      waits_id text,
      ripe boolean not null default true,
      attempts int not null default 0,
      next_at timestamptz not null default now(),
      generation bigint not null default nextval('sink.work_generation'),
      cause_epoch bigint not null,
      cause_lsn bigint not null,
      committed_at timestamptz not null,
      marked_at timestamptz not null default now(),
      for_run text check (for_run in ('gap', 'replay')),
      run_id uuid,
      own_lane smallint,
      operations text[] not null default '{}',
      hash text,
      hold_code text,
      hold_hash text,
      approved_hash text,
      approved_operations text[],
      undo jsonb,
      primary key (integration_id, kind, id)
    );
    comment on column sink.work.lane is '0 leaver, 1 live, 2 bulk, 3 gap = nobody touches it until a run takes it; for_run says of which kind';
    comment on column sink.work.run_id is 'The run this row is applied for.';
    comment on column sink.work.own_lane is 'Of a row of a run: lane in which it is outstanding besides, by a change of its own. Neither a pause nor the end of the run takes it out of there; null = only the run wants it.';
    comment on column sink.work.operations is 'What it would do, as last assessed; with hash, the fingerprint of its desired state then.';
    comment on column sink.work.hold_hash is 'An operator undid or rejected: held with hold_code, without a call, as long as the desired state has this fingerprint.';
    comment on column sink.work.approved_hash is 'An operator approved this desired state: it passes the brake. approved_operations: of a run, whose milder items pass too.';
    comment on column sink.work.undo is 'Go back to this applied state instead of to the desired one; then held as UNDONE. {"applied": null} = as if never linked.';
    comment on column sink.work.generation is 'New with every mark, never used twice: a row that was settled and marked again must not look like the claimed one. Settled only where it is still the claimed one.';
    create index work_ready on sink.work (integration_id, kind, lane, next_at) where state = 'ready';
    create index work_unripe on sink.work (integration_id) where not ripe;
    create index work_outstanding on sink.work (integration_id, kind) where lane < 3;
    create index work_waiting on sink.work (integration_id, waits_kind, waits_id) where waits_id is not null;
    create index work_run on sink.work (run_id) where run_id is not null;
    create index work_gap on sink.work (integration_id, for_run) where lane = 3;
    create index work_due on sink.work (integration_id, next_at) where state in ('waiting', 'parked', 'conflict');

    create table sink.attempt (
      id bigint generated always as identity primary key,
      integration_id uuid not null references control.integration (id) on delete cascade,
      kind text not null,
      object_id text not null,
      op text not null,
      target_id bigint,
      state text not null default 'sent' check (state in ('sent', 'done', 'failed', 'unknown')),
      before jsonb,
      after jsonb,
      cause_epoch bigint not null,
      cause_lsn bigint not null,
      lease_token bigint not null,
      run_id uuid,
      operations text[] not null default '{}',
      approved boolean not null default false,
      status int,
      code text,
      sent_at timestamptz not null default now(),
      finished_at timestamptz
    );
    create index attempt_open on sink.attempt (integration_id, kind, object_id) where state in ('sent', 'unknown');
    create index attempt_run on sink.attempt (run_id) where run_id is not null;
    create index attempt_window on sink.attempt (integration_id, sent_at) where operations <> '{}';
    create index attempt_object on sink.attempt (integration_id, kind, object_id, id);

    create table sink.target (
      platform text not null references sink.platform (id),
      kind text not null check (kind in ('unit', 'role', 'person')),
      target_id bigint not null,
      name text,
      parent_id bigint,
      email text,
      external_id text,
      body jsonb not null,
      listed_at timestamptz not null default now(),
      primary key (platform, kind, target_id)
    );
    create index on sink.target (platform, kind, lower(email)) where email is not null;
    create index on sink.target (platform, kind, external_id) where external_id is not null;
    create index on sink.target (platform, kind, parent_id, name);

    create table sink.run (
      id uuid primary key default gen_random_uuid(),
      integration_id uuid references control.integration (id) on delete cascade,
      tenant text,
      kind text not null check (kind in ('sync', 'gap', 'replay', 'rebuild', 'settings', 'planner', 'drift', 'undo')),
      scope jsonb not null default '{"all": true}',
      state text not null check (state in ('waiting_for_snapshot', 'planning', 'planned', 'applying', 'done', 'cancelled', 'failed')),
      is_first boolean not null default false,
      dry_run boolean not null default false,
      needs_approval boolean not null default false,
      paused boolean not null default false,
      snapshot_id text,
      settings_version int,
      planner_version int,
      base_settings_version int,
      marked_to bigint,
      counts jsonb not null default '{}',
      progress jsonb not null default '{}',
      code text,
      message text,
      requested_by text,
      decided_by text,
      created_at timestamptz not null default now(),
      planned_at timestamptz,
      started_at timestamptz,
      finished_at timestamptz,
      updated_at timestamptz not null default now()
    );
    create index on sink.run (integration_id, created_at);
    comment on column sink.run.integration_id is 'null on a replay of the topic: it belongs to a tenant or to all.';
    comment on column sink.run.settings_version is 'It is planned under; of kind settings: the version that is to come into force.';
    comment on column sink.run.base_settings_version is 'In force when it was planned; another one then = RUN_SETTINGS_CHANGED.';
    comment on column sink.run.marked_to is 'Newest generation of work when it was planned: only newer marks of its kind make another run.';
    comment on column sink.run.counts is '{"<operation>": n, …, "items": n, "parked": n}, of the plan';
    comment on column sink.run.progress is '{"done": n, "total": n, "calls": n, "perSecond": x, "etaSeconds": x}';

    create table sink.run_item (
      run_id uuid not null references sink.run (id) on delete cascade,
      no bigint generated always as identity,
      kind text not null check (kind in ('unit', 'role', 'person')),
      id text not null,
      operations text[] not null default '{}',
      before jsonb,
      after jsonb,
      hash text,
      state text not null default 'planned' check (state in ('planned', 'approved', 'applied', 'superseded', 'held', 'parked', 'rejected', 'cancelled')),
      code text,
      detail jsonb,
      primary key (run_id, kind, id)
    );
    create index on sink.run_item (run_id, no);
    create index on sink.run_item (run_id, state);

    create table sink.brake (
      integration_id uuid not null references control.integration (id) on delete cascade,
      kind text not null check (kind in ('unit', 'role', 'person')),
      operation text not null,
      applied int not null,
      pending int not null,
      allowed int not null,
      tripped_at timestamptz not null default now(),
      primary key (integration_id, kind, operation)
    );
    comment on table sink.brake is 'Operations that are tripped now; the rows they hold are in work, state held, code BRAKE_TRIPPED.';

    create table sink.resolution (
      integration_id uuid not null references control.integration (id) on delete cascade,
      kind text not null check (kind in ('unit', 'role', 'person')),
      id text not null,
      action text not null check (action in ('adopt', 'create_new', 'ignore')),
      target_id bigint,
      decided_by text,
      decided_at timestamptz not null default now(),
      primary key (integration_id, kind, id)
    );
    comment on table sink.resolution is 'What an operator decided about a match case or an object; part of what the planner is given.';

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
