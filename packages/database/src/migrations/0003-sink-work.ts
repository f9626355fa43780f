import type { Knex } from 'knex';

/** The sink: what is applied, outstanding, attempted and decided at the targets. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(/* sql */ `
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
    create index run_open on sink.run (state) where state in ('waiting_for_snapshot', 'planning', 'planned', 'applying');
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
  `);
}
