import type { Run, RunItem } from '@orgstream/control-api';
import type { Knex } from '@orgstream/database';
import { instantKey, iso, nameColumn, nameJoins } from './sql.ts';

export interface RunRow extends Pick<
  Run,
  'id' | 'integration' | 'tenant' | 'kind' | 'scope' | 'state' | 'paused' | 'code' | 'message'
> {
  readonly created_key: string;
  readonly is_first: boolean;
  readonly dry_run: boolean;
  readonly needs_approval: boolean;
  readonly settings_version: number | null;
  readonly planner_version: number | null;
  readonly counts: Readonly<Record<string, unknown>> | null;
  readonly progress: Readonly<Record<string, unknown>> | null;
  readonly requested_by: string | null;
  readonly decided_by: string | null;
  readonly created_at: Date;
  readonly planned_at: Date | null;
  readonly started_at: Date | null;
  readonly finished_at: Date | null;
  readonly updated_at: Date;
}

const select = /* sql */ `
  select r.id, r.integration_id as integration, coalesce(i.tenant, r.tenant) as tenant, r.kind, r.scope, r.state,
         r.is_first, r.dry_run, r.needs_approval, r.paused, r.settings_version, r.planner_version, r.counts, r.progress,
         r.code, r.message, r.requested_by, r.decided_by, r.created_at, ${instantKey('r.created_at')} as created_key,
         r.planned_at, r.started_at, r.finished_at, r.updated_at
    from sink.run r left join control.integration i on i.id = r.integration_id`;

export async function readRun(db: Knex, id: string): Promise<Run | undefined> {
  const { rows } = await db.raw<{ rows: RunRow[] }>(`${select} where r.id = ?`, [id]);
  return rows[0] && toRun(rows[0]);
}

/** Newest first, one more than `limit`. `integration` null: replays of a topic, of the tenants given. */
export async function listRunPage(
  db: Knex,
  options: {
    readonly integration: string | null;
    readonly tenants?: readonly string[] | null;
    readonly kind?: string | undefined;
    readonly state?: string | undefined;
    readonly before: readonly [createdAt: string, id: string] | undefined;
    readonly limit: number;
  },
): Promise<readonly RunRow[]> {
  const { rows } = await db.raw<{ rows: RunRow[] }>(
    `${select}
      where r.integration_id is not distinct from cast(:integration as text)::uuid
        and (cast(:tenants as text[]) is null or r.tenant = any(cast(:tenants as text[])))
        and (cast(:kind as text) is null or r.kind = :kind)
        and (cast(:state as text) is null or r.state = :state)
        and (cast(:at as text) is null or (r.created_at, r.id) < (cast(:at as text)::timestamptz, cast(:id as text)::uuid))
      order by r.created_at desc, r.id desc limit :limit`,
    {
      integration: options.integration,
      tenants: options.tenants ? [...options.tenants] : null,
      kind: options.kind ?? null,
      state: options.state ?? null,
      at: options.before?.[0] ?? null,
      id: options.before?.[1] ?? null,
      limit: options.limit + 1,
    },
  );
  return rows;
}

/** Runs that are open, or changed since; oldest change first. */
export async function listChangedRuns(
  db: Knex,
  since: Date | null,
  options: { readonly limit: number },
): Promise<readonly RunRow[]> {
  const { rows } = await db.raw<{ rows: RunRow[] }>(
    `${select}
      where case when cast(:since as text) is null then r.state not in ('done', 'cancelled', 'failed')
                 else r.updated_at > cast(:since as text)::timestamptz end
      order by r.updated_at desc limit :limit`,
    { since: since?.toISOString() ?? null, limit: options.limit },
  );
  return rows.toReversed();
}

export function toRun(row: RunRow): Run {
  const { id, integration, tenant, kind, scope, state, paused, code, message } = row;
  const counts = Object.entries(row.counts ?? {}).filter(
    (entry): entry is [string, number] => typeof entry[1] === 'number',
  );
  return {
    id,
    integration,
    tenant,
    kind,
    scope,
    state,
    isFirst: row.is_first,
    dryRun: row.dry_run,
    needsApproval: row.needs_approval,
    paused,
    settingsVersion: row.settings_version,
    plannerVersion: row.planner_version,
    counts: Object.fromEntries(counts),
    progress: row.progress ?? {},
    code,
    message,
    requestedBy: row.requested_by,
    decidedBy: row.decided_by,
    createdAt: row.created_at.toISOString(),
    plannedAt: iso(row.planned_at),
    startedAt: iso(row.started_at),
    finishedAt: iso(row.finished_at),
    updatedAt: row.updated_at.toISOString(),
  };
}

export interface RunItemRow extends Omit<RunItem, 'no'> {
  readonly no: string;
}

/** In the order of the plan, one more than `limit`. */
export async function listRunItemPage(
  db: Knex,
  options: {
    readonly run: string;
    readonly tenant: string | null;
    readonly state: string | undefined;
    readonly operation: string | undefined;
    readonly kind: string | undefined;
    readonly code: string | undefined;
    readonly after: readonly [no: string] | undefined;
    readonly limit: number;
  },
): Promise<readonly RunItemRow[]> {
  const { rows } = await db.raw<{ rows: RunItemRow[] }>(
    `select x.no, x.kind, x.id, ${nameColumn}, x.operations, x.before, x.after, x.hash, x.state, x.code, x.detail
       from sink.run_item x ${nameJoins('x')}
      where x.run_id = :run
        and (cast(:state as text) is null or x.state = :state)
        and (cast(:operation as text) is null or cast(:operation as text) = any(x.operations))
        and (cast(:kind as text) is null or x.kind = :kind)
        and (cast(:code as text) is null or x.code = :code)
        and x.no > cast(:after as text)::bigint
      order by x.no limit :limit`,
    {
      run: options.run,
      tenant: options.tenant,
      state: options.state ?? null,
      operation: options.operation ?? null,
      kind: options.kind ?? null,
      code: options.code ?? null,
      after: options.after?.[0] ?? '-1',
      limit: options.limit + 1,
    },
  );
  return rows;
}

export const toRunItem = (row: RunItemRow): RunItem => ({ ...row, no: Number(row.no) });
