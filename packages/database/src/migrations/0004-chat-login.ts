import type { Knex } from 'knex';

/** Chat and login: what operators set, the edge's memory, and the bridge's ledger. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(/* sql */ `
    alter table control.token add column person_tenant text, add column person_id text,
      add check ((person_tenant is null) = (person_id is null));
    comment on column control.token.person_id is 'A Ziik administrator signed in by an assertion: Person.admin is looked at with each request.';

    create table control.issuer (
      iss text primary key,
      source text not null,
      tenant text references control.tenant (key) on delete cascade,
      product text not null default 'ziik' check (product in ('ziik', 'tamigo')),
      jwks_url text,
      jwks jsonb,
      created_by text,
      created_at timestamptz not null default now(),
      check ((jwks_url is null) <> (jwks is null))
    );
    comment on table control.issuer is 'Who may sign assertions, and for whom: one tenant, or every tenant of a source. Public keys only.';

    create table control.channel (
      integration_id uuid primary key references control.integration (id) on delete cascade,
      version int not null default 1,
      enabled boolean not null default true,
      ziik_url text not null,
      sender_secret_id uuid not null references control.secret (id),
      sender_id bigint not null,
      intake text not null default 'hook' check (intake in ('hook', 'poll')),
      hook_secret_id uuid references control.secret (id),
      old_hook_secret_id uuid references control.secret (id),
      old_hook_secret_until timestamptz,
      conversations text not null default 'auto' check (conversations in ('auto', 'new', 'old')),
      default_language text not null default 'en',
      max_age_s int not null default 86400 check (max_age_s between 60 and 604800),
      quiet boolean not null default false,
      quiet_during_runs boolean not null default true,
      since timestamptz not null default now(),
      changed_by text,
      changed_at timestamptz not null default now(),
      check (intake <> 'hook' or hook_secret_id is not null)
    );
    comment on table control.channel is 'The Ziik channel of an integration: sender user, intake of notifications, quiet mode. version is the ETag, and is checked with every send.';
    comment on column control.channel.since is 'When the channel was made: nothing that happened before is sent.';

    create table control.notification_setting (
      integration_id uuid not null references control.channel (integration_id) on delete cascade,
      type text not null,
      enabled boolean not null default true,
      texts jsonb not null default '{}',
      version int not null default 1,
      changed_by text,
      changed_at timestamptz not null default now(),
      primary key (integration_id, type)
    );
    comment on column control.notification_setting.texts is 'Language -> template; without one Learningbank''s own body is used. A type without a row is on.';

    create table control.login_setting (
      integration_id uuid primary key references control.integration (id) on delete cascade,
      version int not null default 1,
      enabled boolean not null default true,
      web_menu boolean not null default true,
      app boolean not null default true,
      changed_by text,
      changed_at timestamptz not null default now()
    );
    comment on table control.login_setting is 'login.enabled, and where the shortcut is shown; without a row everything is on.';

    create schema edge;

    create table edge.used_jti (
      iss text not null,
      jti text not null,
      expires_at timestamptz not null,
      primary key (iss, jti)
    );
    create index on edge.used_jti (expires_at);

    create table edge.login_event (
      id bigint generated always as identity primary key,
      at timestamptz not null default now(),
      tenant text not null,
      integration_id uuid not null references control.integration (id) on delete cascade,
      person_id text,
      kind text not null check (kind in ('login', 'shortcuts')),
      outcome text not null check (outcome in ('admitted', 'refused')),
      code text,
      just_in_time boolean not null default false,
      deep_link boolean not null default false,
      took_ms int not null
    );
    create index on edge.login_event (integration_id, id);
    create index on edge.login_event (at);
    comment on table edge.login_event is 'Ids and codes only: no tokens, no addresses, no paths.';

    create table edge.intake (
      integration_id uuid primary key references control.integration (id) on delete cascade,
      owner text,
      lease_token bigint not null default 0,
      lease_until timestamptz,
      poll_after bigint,
      types jsonb,
      types_read_at timestamptz,
      code text,
      received_at timestamptz,
      updated_at timestamptz not null default now()
    );
    comment on column edge.intake.types is 'Learningbank''s notification types as last read: [{key, name, mandatory, enabled, body}].';

    create schema bridge;

    create table bridge.tenant (
      tenant text primary key,
      lease_owner text,
      lease_token bigint not null default 0,
      lease_until timestamptz,
      updated_at timestamptz not null default now()
    );

    create table bridge.replica (
      id text primary key,
      seen_at timestamptz not null default now()
    );
    comment on table bridge.replica is 'Running bridges: each takes its share of the tenants.';

    create table bridge.channel_state (
      integration_id uuid primary key references control.integration (id) on delete cascade,
      state text not null check (state in ('working', 'quiet', 'stopped')),
      code text,
      message text,
      quiet_since timestamptz,
      updated_at timestamptz not null default now()
    );
    comment on table bridge.channel_state is 'What the bridge found out: wrong credentials, chat module off, quiet because of a run. Missing: nothing was sent yet.';

    create table bridge.notification (
      id bigint generated always as identity primary key,
      integration_id uuid not null references control.integration (id) on delete cascade,
      tenant text not null,
      notification_id text not null,
      receiver text not null,
      type text not null,
      occurred_at timestamptz not null,
      received_at timestamptz not null default now(),
      state text not null default 'queued' check (state in ('queued', 'sending', 'unknown', 'sent', 'skipped', 'expired', 'failed')),
      code text,
      attempts int not null default 0,
      next_at timestamptz not null default now(),
      lease_token bigint,
      sending_at timestamptz,
      sender_id bigint,
      payload jsonb,
      text_hash bytea,
      person_id text,
      ziik_user_id bigint,
      conversation_id bigint,
      after_message_id bigint,
      parts_sent int not null default 0,
      message_ids bigint[] not null default '{}',
      language text,
      warnings text[] not null default '{}',
      ended_at timestamptz,
      is_test boolean not null default false,
      unique (integration_id, notification_id, receiver)
    );
    create index notification_ripe on bridge.notification (integration_id, is_test, next_at, id) where state in ('queued', 'sending', 'unknown');
    create index on bridge.notification (tenant) where state in ('queued', 'sending', 'unknown');
    create index on bridge.notification (integration_id, id);
    create index on bridge.notification (ended_at) where ended_at is not null;
    create index on bridge.notification (occurred_at) where payload is not null and ended_at is not null;
    create index on bridge.notification (integration_id, person_id) where person_id is not null;
    create index notification_unclear on bridge.notification (integration_id, next_at, id) where state in ('sending', 'unknown');
    create index notification_order on bridge.notification (integration_id, receiver, is_test, (id + 0)) where ended_at is null;
    comment on index bridge.notification_order is 'Which row of a receiver is next. Not by state: with equal predicates, and statistics from before a storm, notification_ripe seems as good, and all rows are read for each. id + 0: or what ended is read by (integration_id, id).';
    comment on table bridge.notification is 'Ledger and queue in one: a row is at most one message for ever. queued -> sending (committed before the POST) -> sent | unknown; skipped, expired, failed carry a code.';
    comment on column bridge.notification.payload is 'E-mail, merge fields and link, and the parts of a split text that are still to be sent. Personal data: null once it is sent or expired; of what was skipped or failed, once it is too old to be tried again.';

    create table bridge.forgotten (
      integration_id uuid not null references control.integration (id) on delete cascade,
      receiver text not null,
      at timestamptz not null default now(),
      primary key (integration_id, receiver)
    );
    comment on table bridge.forgotten is 'Receivers of erased people, against a replay of the topic: nothing to them is kept, unless somebody else is linked to that user.';
  `);
}
