import type { Knex } from 'knex';

/** One change that somebody asked for. */
export interface AuditEntry {
  /** Name of the token. */
  readonly actor: string;
  readonly tokenId: string | null;
  readonly action: string;
  readonly tenant?: string | null;
  readonly integration?: string | null;
  /** Ids and names of what was changed; never personal data, never secrets. */
  readonly object?: Readonly<Record<string, unknown>>;
  /** `ok`, or the code it was refused with. */
  readonly outcome: string;
  readonly requestId: string | null;
}

/** Writes a line; returns its number. */
export async function insertAudit(db: Knex, entry: AuditEntry): Promise<string> {
  const { rows } = await db.raw<{ rows: { id: string }[] }>(
    `insert into control.audit (actor, token_id, action, tenant, integration_id, object, outcome, request_id)
     values (:actor, :tokenId, :action, :tenant, :integration, :object, :outcome, :requestId) returning id`,
    {
      actor: entry.actor,
      tokenId: entry.tokenId,
      action: entry.action,
      tenant: entry.tenant ?? null,
      integration: entry.integration ?? null,
      object: JSON.stringify(entry.object ?? {}),
      outcome: entry.outcome,
      requestId: entry.requestId,
    },
  );
  return rows[0]!.id;
}

/** Completes a line with what it was about and how it ended. */
export async function finishAudit(
  db: Knex,
  no: string,
  end: Pick<AuditEntry, 'tenant' | 'integration' | 'object' | 'outcome'>,
): Promise<void> {
  await db.raw(
    `update control.audit set tenant = :tenant, integration_id = :integration, object = :object, outcome = :outcome
      where id = :no`,
    {
      no,
      tenant: end.tenant ?? null,
      integration: end.integration ?? null,
      object: JSON.stringify(end.object ?? {}),
      outcome: end.outcome,
    },
  );
}

export interface AuditRow {
  readonly id: string;
  readonly at: Date;
  readonly actor: string;
  readonly token_id: string | null;
  readonly action: string;
  readonly tenant: string | null;
  readonly integration_id: string | null;
  readonly object: Readonly<Record<string, unknown>>;
  readonly outcome: string;
  readonly request_id: string | null;
}

/** The audit, newest first; `within`: only of these tenants. */
export async function listAudit(
  db: Knex,
  options: {
    readonly within: readonly string[] | null;
    readonly tenant?: string | undefined;
    readonly integration?: string | undefined;
    readonly action?: string | undefined;
    readonly before?: string | undefined;
    readonly limit: number;
  },
): Promise<readonly AuditRow[]> {
  const { rows } = await db.raw<{ rows: AuditRow[] }>(
    `select id, at, actor, token_id, action, tenant, integration_id, object, outcome, request_id from control.audit
      where (cast(:within as text[]) is null or tenant = any(cast(:within as text[])))
        and (cast(:tenant as text) is null or tenant = :tenant)
        and (cast(:integration as text) is null or integration_id = cast(:integration as text)::uuid)
        and (cast(:action as text) is null or action = :action)
        and (cast(:before as text) is null or id < cast(:before as text)::bigint)
      order by id desc limit :limit`,
    {
      within: options.within ? [...options.within] : null,
      tenant: options.tenant ?? null,
      integration: options.integration ?? null,
      action: options.action ?? null,
      before: options.before ?? null,
      limit: options.limit,
    },
  );
  return rows;
}

/** Lines in one statement at most: the table may be large after a long pause. */
const batch = 10_000;

/** Forgets what is older than so many days; returns how many lines. */
export async function forgetAudit(db: Knex, days: number): Promise<number> {
  for (let forgotten = 0; ;) {
    const { rows } = await db.raw<{ rows: { count: number }[] }>(
      `with gone as (
         delete from control.audit where id in (
           select id from control.audit where at < now() - :days * interval '1 day'
            order by at limit ${batch} for update skip locked)
         returning 1)
       select count(*)::int as count from gone`,
      { days },
    );
    forgotten += rows[0]!.count;
    if (rows[0]!.count < batch) return forgotten;
  }
}
