import type { Knex } from 'knex';

/** Change data capture: sources and snapshots. Written by ziik-cdc and \`orgstream source add\`. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(/* sql */ `
    create schema cdc;

    create table cdc.source (
      name text primary key,
      url_secret_id uuid not null references control.secret (id),
      mapping jsonb,
      slot_name text not null,
      publication_name text not null,
      system_id text,
      timeline int,
      epoch bigint not null default 0,
      published_lsn bigint not null default 0,
      streamed_at timestamptz,
      state text not null default 'new' check (state in ('new', 'running', 'halted')),
      code text,
      message text,
      removed_at timestamptz,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now()
    );
    comment on column cdc.source.streamed_at is 'Null until the slot has first streamed; slot and publication are made only before.';

    create table cdc.snapshot (
      id uuid primary key default gen_random_uuid(),
      source text not null references cdc.source (name) on delete cascade,
      tenant text not null,
      site_id bigint not null,
      reason text not null,
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
      finished_at timestamptz
    );
    create index on cdc.snapshot (source, requested_at) where state in ('requested', 'running');
  `);
}
