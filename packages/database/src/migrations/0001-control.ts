import type { Knex } from 'knex';

/** Operators' side: tenants, integrations, their settings and secrets, and the shared command inbox. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(/* sql */ `
    create schema control;

    create table control.tenant (
      key text primary key,
      source text not null,
      site_id bigint not null,
      created_at timestamptz not null default now(),
      unique (source, site_id)
    );

    create table control.secret (
      id uuid primary key default gen_random_uuid(),
      key_id text not null,
      sealed bytea not null,
      created_at timestamptz not null default now()
    );

    create table control.integration (
      id uuid primary key default gen_random_uuid(),
      tenant text not null references control.tenant (key),
      name text not null,
      product text not null check (product in ('sync', 'login')),
      platform_url text not null,
      secret_id uuid not null references control.secret (id),
      enabled boolean not null default true,
      generation int not null default 1,
      settings_version int not null default 1,
      created_at timestamptz not null default now(),
      unique (tenant, platform_url)
    );
    comment on column control.integration.generation is 'Rises with every change of enabled, credentials or settings; an attempt is written only under the generation it was planned with.';

    create table control.settings (
      integration_id uuid not null references control.integration (id) on delete cascade,
      version int not null,
      settings jsonb not null,
      created_at timestamptz not null default now(),
      primary key (integration_id, version)
    );

    create table control.command (
      id bigint generated always as identity primary key,
      addressee text not null,
      kind text not null,
      payload jsonb not null default '{}',
      state text not null default 'new' check (state in ('new', 'running', 'done', 'failed')),
      result jsonb,
      code text,
      message text,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now()
    );
    create index on control.command (addressee, id) where state in ('new', 'running');
  `);
}
