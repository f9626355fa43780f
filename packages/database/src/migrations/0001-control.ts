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
      paused boolean not null default false,
      shadow boolean not null default false,
      generation int not null default 1,
      settings_version int not null default 1,
      created_at timestamptz not null default now(),
      unique (tenant, platform_url)
    );
    comment on column control.integration.generation is 'Rises with every change of enabled, paused, shadow, credentials or settings; an attempt is written only under the generation it was planned with.';

    create table control.settings (
      integration_id uuid not null references control.integration (id) on delete cascade,
      version int not null,
      settings jsonb not null,
      created_by text,
      created_at timestamptz not null default now(),
      primary key (integration_id, version)
    );
    comment on table control.settings is 'Every version; control.integration.settings_version names the one in force. A version above it waits for its run.';

    create table control.stop (
      singleton boolean primary key default true check (singleton),
      stopped boolean not null default false,
      reason text,
      changed_by text,
      changed_at timestamptz not null default now()
    );
    insert into control.stop default values;
    comment on table control.stop is 'The stop button: while stopped, no attempt is opened anywhere.';

    create table control.token (
      id uuid primary key default gen_random_uuid(),
      name text not null,
      hash bytea not null unique,
      role text not null check (role in ('viewer', 'operator', 'admin')),
      tenants text[],
      created_by text,
      created_at timestamptz not null default now(),
      expires_at timestamptz,
      revoked_at timestamptz,
      last_used_at timestamptz
    );
    comment on column control.token.tenants is 'null = all tenants';

    create table control.audit (
      id bigint generated always as identity primary key,
      at timestamptz not null default now(),
      actor text not null,
      token_id uuid,
      action text not null,
      tenant text,
      integration_id uuid,
      object jsonb not null default '{}',
      outcome text not null,
      request_id text
    );
    create index on control.audit (tenant, id);
    create index on control.audit (integration_id, id);
    create index on control.audit (at);
    comment on column control.audit.object is 'Ids and names of what was changed; never personal data, never secrets.';

    create table control.idempotency (
      token_id uuid not null references control.token (id) on delete cascade,
      key text not null,
      request_hash bytea not null,
      status int,
      response jsonb,
      created_at timestamptz not null default now(),
      primary key (token_id, key)
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
