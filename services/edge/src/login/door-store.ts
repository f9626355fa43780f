import type { ErrorCode } from '@orgstream/core';
import type { Knex } from '@orgstream/database';

/** An integration, as somebody finds it who wants to log in. */
export interface Door {
  readonly id: string;
  readonly tenant: string;
  readonly source: string;
  /** What people see as the name of the shortcut. */
  readonly name: string;
  readonly product: 'sync' | 'login';
  readonly platformUrl: string;
  /** One platform, however many integrations lead to it. */
  readonly platform: string;
  readonly secretId: string;
  readonly enabled: boolean;
  /** The sink may send something: enabled, not paused, not in shadow mode, not stopped. */
  readonly sends: boolean;
  readonly login: { readonly enabled: boolean; readonly webMenu: boolean; readonly app: boolean };
}

interface DoorRow extends Omit<Door, 'login'> {
  readonly login_enabled: boolean;
  readonly web_menu: boolean;
  readonly app: boolean;
}

export async function readDoor(db: Knex, id: string): Promise<Door | undefined> {
  const { rows } = await db.raw<{ rows: DoorRow[] }>(
    `select i.id, i.tenant, t.source, i.name, i.product, i.platform_url as "platformUrl", i.secret_id as "secretId",
            i.enabled, i.enabled and not i.paused and not i.shadow and not c.stopped as sends,
            coalesce(s.platform, i.platform_url) as platform, coalesce(l.enabled, true) as login_enabled,
            coalesce(l.web_menu, true) as web_menu, coalesce(l.app, true) as app
       from control.integration i
       join control.tenant t on t.key = i.tenant
       cross join control.stop c
       left join control.login_setting l on l.integration_id = i.id
       left join sink.integration_state s on s.integration_id = i.id
      where i.id = ?`,
    [id],
  );
  if (!rows[0]) return undefined;
  const { login_enabled, web_menu, app, ...door } = rows[0];
  return { ...door, login: { enabled: login_enabled, webMenu: web_menu, app } };
}

/** Where a person stands: at the source, as far as it is known here, and in Learningbank. */
export interface Standing {
  /** The source told us about the person. */
  readonly known: boolean;
  /** Inactive, deleted, anonymised, expired, erased, or of a site that is gone. */
  readonly gone: boolean;
  readonly language: string | null;
  readonly email: string | null;
  /** Learningbank user. */
  readonly userId: number | null;
  /** Of outstanding work; null = there is none. */
  readonly work: {
    readonly state: 'ready' | 'waiting' | 'held' | 'parked' | 'conflict';
    readonly code: ErrorCode | null;
  } | null;
}

interface StandingRow {
  readonly known: boolean;
  readonly gone: boolean;
  readonly language: string | null;
  readonly email: string | null;
  readonly target_id: string | null;
  readonly state: NonNullable<Standing['work']>['state'] | null;
  readonly code: ErrorCode | null;
}

/** One statement, so one moment. Whoever has no good fact yet (`log_offset` -1) is not known. */
export async function readStanding(
  db: Knex,
  { integration, tenant, person }: { readonly integration: string; readonly tenant: string; readonly person: string },
): Promise<Standing> {
  const { rows } = await db.raw<{ rows: StandingRow[] }>(
    `select coalesce(p.log_offset >= 0 or p.deleted, false) as known,
            coalesce(p.deleted or p.active is false or p.anonymised or p.expires_at <= now(), false)
              or exists (select from sink.erased e where e.tenant = k.tenant and e.person_id = k.person)
              or exists (select from sink.tenant t where t.tenant = k.tenant and t.deleted) as gone,
            p.language, p.email, l.target_id, w.state, w.code
       from (select cast(:integration as uuid) as integration, :tenant::text as tenant, :person::text as person) k
       left join sink.person p on p.tenant = k.tenant and p.id = k.person
       left join sink.link l on l.integration_id = k.integration and l.kind = 'person' and l.id = k.person
       left join sink.work w on w.integration_id = k.integration and w.kind = 'person' and w.id = k.person`,
    { integration, tenant, person },
  );
  const { target_id: target, state, code, ...rest } = rows[0]!;
  return { ...rest, userId: target === null ? null : Number(target), work: state && { state, code } };
}
