import { createClient, type Client } from '@orgstream/control-api';
import { defaultSettings } from '@orgstream/core';
import {
  createDatabase,
  createIntegration,
  createToken,
  migrate,
  type Knex,
  type TokenRole,
} from '@orgstream/database';
import { createLogger, createSecretBox } from '@orgstream/runtime';
import { freshDatabase } from '@orgstream/testkit';
import { Registry } from 'prom-client';
import { addChat } from './chat-fixture.ts';
import { Config } from './config.ts';
import { createService, type ControlService } from './service.ts';
import { FakeZiik } from './ziik-fixture.ts';

export const secretKey = `k1:${'ab'.repeat(32)}`;
const secrets = createSecretBox(secretKey);

/** One tenant with an integration, a run, and objects in every state. */
export interface TenantFixture {
  readonly tenant: string;
  readonly integration: string;
  readonly run: string;
  readonly command: number;
  /** The first of seven in the ledger; it was sent. */
  readonly notification: number;
  readonly token: string;
}

/** A running control on a database of its own, with two tenants, `eu1.42` and `eu1.43`. */
export class ControlContext implements AsyncDisposable {
  readonly db: Knex;
  readonly databaseUrl: string;
  readonly service: ControlService;
  readonly logs: string[];
  readonly ziik: FakeZiik;
  readonly #resources: AsyncDisposableStack;

  private constructor(parts: {
    readonly db: Knex;
    readonly databaseUrl: string;
    readonly service: ControlService;
    readonly logs: string[];
    readonly ziik: FakeZiik;
    readonly resources: AsyncDisposableStack;
  }) {
    this.db = parts.db;
    this.databaseUrl = parts.databaseUrl;
    this.service = parts.service;
    this.logs = parts.logs;
    this.ziik = parts.ziik;
    this.#resources = parts.resources;
  }

  static async open(settings: Partial<Config> = {}): Promise<ControlContext> {
    await using resources = new AsyncDisposableStack();
    const { url } = resources.use(await freshDatabase('control'));
    const db = createDatabase(url, { max: 4 });
    resources.defer(() => db.destroy());
    await migrate(db);
    await db.raw(
      `with secret as (insert into control.secret (key_id, sealed) values ('k1', '\\x00') returning id)
       insert into cdc.source (name, url_secret_id, slot_name, publication_name, state)
       select 'eu1', id, 'slot', 'publication', 'running' from secret`,
    );
    const logs: string[] = [];
    const log = createLogger({ service: 'control', level: 'debug' }, { write: (line: string) => void logs.push(line) });
    const stop = new AbortController();
    const config = Config.parse({
      DATABASE_URL: url,
      KAFKA_BROKERS: '127.0.0.1:9',
      REGISTRY_URL: 'http://127.0.0.1:9',
      ORGSTREAM_SECRET_KEY: secretKey,
      CONTROL_PORT: 0,
      CONTROL_WAIT_MS: 100,
      ...settings,
    });
    const service = resources.use(await createService({ config, log, signal: stop.signal, registry: new Registry() }));
    const running = service.run();
    resources.defer(async () => {
      stop.abort();
      await running;
    });
    const ziik = resources.use(await FakeZiik.start());
    return new ControlContext({ db, databaseUrl: url, service, logs, ziik, resources: resources.move() });
  }

  get url(): string {
    return this.service.url;
  }

  async token(role: TokenRole, tenants?: readonly string[]): Promise<string> {
    const made = await createToken(this.db, { name: `${role} of a test`, role, tenants: tenants ?? null, by: 'test' });
    return made.secret;
  }

  /** A token of somebody who signed in as administrator of that Ziik. */
  async session(tenant: string, person: string): Promise<string> {
    const made = await createToken(this.db, {
      name: `administrator ${person} of ${tenant}`,
      role: 'admin',
      tenants: [tenant],
      expiresAt: new Date(Date.now() + 3_600_000),
      person: { tenant, id: person },
      by: 'https://ziik.example',
    });
    return made.secret;
  }

  async client(role: TokenRole, tenants?: readonly string[]): Promise<Client> {
    return createClient({ url: this.url, token: await this.token(role, tenants) });
  }

  /**
   * Facts, links, work in every state, attempts, a run with items, a command, chat and logins; and an admin's token of this
   * tenant. Person 8 is an administrator in Ziik.
   */
  async addTenant(tenant: string, platformUrl = `http://127.0.0.1:9/${tenant}`): Promise<TenantFixture> {
    const integration = await createIntegration(this.db, {
      tenant,
      name: `Academy of ${tenant}`,
      product: 'sync',
      platformUrl,
      credentials: secrets.seal(JSON.stringify({ username: 'u', password: 'p' })),
      settings: defaultSettings,
    });
    const { rows } = await this.db.raw<{ rows: { run: string; command: string }[] }>(tenantRows, {
      tenant,
      integration,
      platform: `127.0.0.1#${tenant}`,
      platformUrl,
    });
    const { run, command } = rows[0]!;
    const { notification } = await addChat(this.db, { integration, tenant, ziikUrl: this.ziik.urlOf(tenant), secrets });
    const token = await this.token('admin', [tenant]);
    return { tenant, integration, run, command: Number(command), notification, token };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#resources.disposeAsync();
  }
}

const tenantRows = /* sql */ `
  with tenant as (
    insert into sink.tenant (tenant, id, epoch, lsn, seq, log_offset, committed_at, identifier)
    values (:tenant, '1', 1, 1, 0, 0, now(), 'site of ' || :tenant)
  ), unit as (
    insert into sink.unit (tenant, id, epoch, lsn, seq, log_offset, committed_at, name)
    select :tenant, n::text, 1, 10 + n, 0, n, now(), 'Unit ' || n from generate_series(1, 3) n
  ), role as (
    insert into sink.role (tenant, id, epoch, lsn, seq, log_offset, committed_at, name)
    values (:tenant, '1', 1, 20, 0, 5, now(), 'Barista')
  ), person as (
    insert into sink.person (tenant, id, epoch, lsn, seq, log_offset, committed_at, first_name, last_name, email, active, admin)
    select :tenant, n::text, 1, 30 + n, 0, 10 + n, now(), 'Ann' || n, 'Secretname', 'ann' || n || '@secret.example', true, n = 8
      from generate_series(1, 9) n
  ), membership as (
    insert into sink.membership (tenant, id, epoch, lsn, seq, log_offset, committed_at, person_id, unit_id, ordinal)
    values (:tenant, '1', 1, 50, 0, 30, now(), '1', '1', 0)
  ), assignment as (
    insert into sink.assignment (tenant, id, epoch, lsn, seq, log_offset, committed_at, membership_id, role_id, ordinal)
    values (:tenant, '1', 1, 51, 0, 31, now(), '1', '1', 0)
  ), snapshot as (
    insert into sink.snapshot (tenant, snapshot_id, epoch, lsn, seq, partition, start_offset, state, ended_at)
    values (:tenant, 'snapshot-1', 1, 1, 0, 0, 0, 'proved', now()), (:tenant, 'snapshot-2', 1, 2, 0, 0, 9, 'unproved', now())
  ), platform as (
    insert into sink.platform (id, base_url) values (:platform, :platformUrl) returning id
  ), state as (
    insert into sink.integration_state (integration_id, tenant, platform, state)
    select :integration, :tenant, id, 'live' from platform
  ), link as (
    insert into sink.link (integration_id, kind, id, platform, target_id, made_by_us, applied)
    select :integration, 'person', n::text, platform.id, 1000 + n, true, '{"email": "ann@secret.example"}'
      from platform, generate_series(1, 9) n
  ), run as (
    insert into sink.run (integration_id, tenant, kind, state, needs_approval, counts, progress, planned_at)
    values (:integration, :tenant, 'gap', 'planned', true, '{"items": 3, "deactivate": 1}', '{"done": 0, "total": 3}', now())
    returning id
  ), item as (
    insert into sink.run_item (run_id, kind, id, operations, before, after, hash)
    select run.id, 'person', n::text, case n when 1 then '{deactivate}'::text[] else '{rename}'::text[] end,
           '{"name": "a"}', '{"name": "b"}', 'hash-' || n
      from run, generate_series(1, 3) n
  ), work as (
    insert into sink.work (integration_id, kind, id, lane, state, code, operations, hash, waits_kind, waits_id, for_run,
                           cause_epoch, cause_lsn, committed_at)
    values (:integration, 'person', '1', 0, 'held', 'BRAKE_TRIPPED', '{deactivate}', 'hash-1', null, null, null, 1, 31, now()),
           (:integration, 'person', '2', 1, 'parked', 'EMAIL_MISSING', '{}', null, null, null, null, 1, 32, now()),
           (:integration, 'person', '3', 1, 'conflict', 'REHIRE', '{}', null, null, null, null, 1, 33, now()),
           (:integration, 'person', '4', 1, 'waiting', null, '{}', null, 'unit', '2', null, 1, 34, now()),
           (:integration, 'person', '5', 3, 'ready', null, '{rename}', 'hash-5', null, null, 'gap', 1, 35, now()),
           (:integration, 'unit', '2', 1, 'ready', null, '{create}', 'hash-u', null, null, null, 1, 12, now())
  ), brake as (
    insert into sink.brake (integration_id, kind, operation, applied, pending, allowed)
    values (:integration, 'person', 'deactivate', 3, 9, 5)
  ), attempt as (
    insert into sink.attempt (integration_id, kind, object_id, op, target_id, state, before, after, cause_epoch, cause_lsn,
                              lease_token, run_id, operations, status, code, finished_at)
    select :integration, 'person', '1', 'user.update', 1001, case n when 1 then 'failed' else 'done' end, '{"firstName": "A"}',
           '{"firstName": "B"}', 1, 31, 1, run.id, '{rename}', case n when 1 then 503 else 200 end,
           case n when 1 then 'TARGET_ERROR' end, now()
      from run, generate_series(1, 3) n
  ), audit as (
    insert into control.audit (actor, action, tenant, integration_id, outcome)
    values ('somebody', 'changeIntegration', :tenant, :integration, 'ok')
  ), replay as (
    insert into sink.run (tenant, kind, state, progress) values (:tenant, 'replay', 'done', '{"records": 10, "total": 10}')
  ), command as (
    insert into control.command (addressee, kind, payload)
    values ('learningbank-sink', 'run.start', jsonb_build_object('integration', :integration::text, 'kind', 'sync'))
    returning id
  )
  select run.id as run, command.id as command from run, command`;
