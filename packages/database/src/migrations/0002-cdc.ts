import type { Knex } from 'knex';

/** Change data capture: sources and snapshots. Written by ziik-cdc and `orgstream source add`. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(/* sql */ `
    create schema cdc;

    create table cdc.source (
      name text primary key,
      url_secret_id uuid not null references control.secret (id),
      mapping jsonb,
      slot_name text not null,
      publication_name text not null,
      publication_oid bigint,
      system_id text,
      timeline int,
      epoch bigint not null default 0,
      published_lsn bigint not null default 0,
      streamed_at timestamptz,
      state text not null default 'new' check (state in ('new', 'running', 'halted')),
      code text,
      message text,
      revision int not null default 1,
      slot_retained_bytes bigint,
      committed_at timestamptz,
      removed_at timestamptz,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now()
    );
    comment on column cdc.source.streamed_at is 'Null until the slot has first streamed; slot and publication are made only before.';

    comment on column cdc.source.published_lsn is 'Everything before it is in Kafka. Stored before the slot is told, so a slot that is further was moved by somebody else.';
    comment on column cdc.source.publication_oid is 'Of the publication that the slot has always been read with; another one of the same name has not published everything.';
    comment on column cdc.source.revision is 'Rises when an operator changes URL or mapping, or asks to go on; a running or halted source starts anew with it.';
    comment on column cdc.source.committed_at is 'Commit time of the newest published transaction; with slot_retained_bytes stored every few seconds, for status.';

    create table cdc.snapshot (
      id uuid primary key default gen_random_uuid(),
      source text not null references cdc.source (name) on delete cascade,
      tenant text not null,
      site_id bigint not null,
      reason text not null,
      command_id bigint,
      state text not null default 'requested' check (state in ('requested', 'running', 'done', 'failed')),
      epoch bigint,
      start_lsn bigint,
      cursor jsonb,
      chunks jsonb not null default '[]',
      rows_sent bigint not null default 0,
      code text,
      message text,
      requested_at timestamptz not null default now(),
      started_at timestamptz,
      finished_at timestamptz,
      unique (command_id, tenant)
    );
    comment on column cdc.snapshot.cursor is 'Where to go on: table, last id, next chunk number. Moved only when the rows before it are in Kafka.';
    create index on cdc.snapshot (source, requested_at) where state in ('requested', 'running');
  `);
}
