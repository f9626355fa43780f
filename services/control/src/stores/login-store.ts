import type { IntegrationStatus, LoginEvent } from '@orgstream/control-api';
import type { Knex } from '@orgstream/database';

export interface LoginEventRow {
  readonly id: string;
  readonly at: Date;
  readonly kind: LoginEvent['kind'];
  readonly person_id: string | null;
  readonly name: string | null;
  readonly outcome: LoginEvent['outcome'];
  readonly code: string | null;
  readonly just_in_time: boolean;
  readonly deep_link: boolean;
  readonly took_ms: number;
}

/** Newest first, one more than `limit`. */
export async function listLoginEventPage(
  db: Knex,
  options: {
    readonly integration: string;
    readonly kind: string | undefined;
    readonly outcome: string | undefined;
    readonly code: string | undefined;
    readonly person: string | undefined;
    readonly before: string | undefined;
    readonly limit: number;
  },
): Promise<readonly LoginEventRow[]> {
  const { rows } = await db.raw<{ rows: LoginEventRow[] }>(
    `select e.id, e.at, e.kind, e.person_id, nullif(trim(concat_ws(' ', p.first_name, p.last_name)), '') as name,
            e.outcome, e.code, e.just_in_time, e.deep_link, e.took_ms
       from edge.login_event e
       left join sink.person p on p.tenant = e.tenant and p.id = e.person_id
      where e.integration_id = :integration
        and (cast(:kind as text) is null or e.kind = :kind)
        and (cast(:outcome as text) is null or e.outcome = :outcome)
        and (cast(:code as text) is null or e.code = :code)
        and (cast(:person as text) is null or e.person_id = :person)
        and (cast(:before as text) is null or e.id < cast(:before as text)::bigint)
      order by e.id desc limit :limit`,
    {
      integration: options.integration,
      kind: options.kind ?? null,
      outcome: options.outcome ?? null,
      code: options.code ?? null,
      person: options.person ?? null,
      before: options.before ?? null,
      limit: options.limit + 1,
    },
  );
  return rows;
}

export function toLoginEvent(row: LoginEventRow): LoginEvent {
  return {
    no: Number(row.id),
    at: row.at.toISOString(),
    kind: row.kind,
    person: row.person_id,
    name: row.name,
    outcome: row.outcome,
    code: row.code,
    justInTime: row.just_in_time,
    deepLink: row.deep_link,
    tookMs: row.took_ms,
  };
}

/** Logins by integration: the switch, and what was refused in the last hour. */
export async function readLoginStatuses(
  db: Knex,
  tenants: readonly string[] | null,
): Promise<ReadonlyMap<string, IntegrationStatus['login']>> {
  const { rows } = await db.raw<{
    rows: { id: string; enabled: boolean; by_code: Record<string, number> | null; refused: number }[];
  }>(
    `select i.id, coalesce(l.enabled, true) as enabled, r.by_code, coalesce(r.refused, 0)::int as refused
       from control.integration i
       left join control.login_setting l on l.integration_id = i.id
       left join (select integration_id, jsonb_object_agg(code, n) as by_code, sum(n) as refused
                    from (select integration_id, coalesce(code, 'UNEXPECTED') as code, count(*) as n from edge.login_event
                           where at > now() - interval '1 hour' and kind = 'login' and outcome = 'refused'
                           group by 1, 2) as counted
                   group by integration_id) r on r.integration_id = i.id
      where cast(:tenants as text[]) is null or i.tenant = any(cast(:tenants as text[]))`,
    { tenants: tenants ? [...tenants] : null },
  );
  return new Map(
    rows.map(({ id, enabled, refused, by_code }) => {
      return [id, { enabled, refusedLastHour: refused, refusedByCode: by_code ?? {} }];
    }),
  );
}
