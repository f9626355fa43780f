import type { IntegrationStatus } from '@orgstream/control-api';
import type { Knex } from '@orgstream/database';

/** Status of one integration, as the sink's tables have it. */
export type SinkStatus = Omit<IntegrationStatus, 'converged' | 'channel' | 'login'>;

interface Row {
  readonly id: string;
  readonly tenant: string;
  readonly tenant_name: string | null;
  readonly name: string;
  readonly product: 'sync' | 'login';
  readonly enabled: boolean;
  readonly paused: boolean;
  readonly shadow: boolean;
  readonly state: string | null;
  readonly code: string | null;
  readonly people: number;
  readonly people_out: number;
  readonly people_parked: number;
  readonly work_out: number;
  readonly work_parked: number;
  readonly held: number;
  readonly held_leavers: number;
  readonly gap: number;
  readonly oldest: Date | null;
  readonly by_code: readonly { readonly held: boolean; readonly code: string; readonly n: number }[] | null;
  readonly brakes: SinkStatus['brakes'] | null;
  readonly open_run: SinkStatus['openRun'];
  readonly drift_proved_at: Date | null;
  readonly drift_known: number | null;
  readonly drift_differing: number | null;
}

/** Kinds of rows: parked and match cases wait for somebody, held ones for an operator or a rule; the rest is outstanding. */
const statement = /* sql */ `
  with mine as (
    select * from control.integration
     where cast(:tenants as text[]) is null or tenant = any(cast(:tenants as text[]))
  ), work as (
    select w.integration_id,
           count(*) filter (where not parked and w.state <> 'held')::int as work_out,
           count(*) filter (where parked)::int as work_parked,
           count(*) filter (where w.kind = 'person' and not parked)::int as people_out,
           count(*) filter (where w.kind = 'person' and parked)::int as people_parked,
           count(*) filter (where w.state = 'held')::int as held,
           count(*) filter (where w.state = 'held' and w.code = 'BRAKE_TRIPPED' and 'deactivate' = any(w.operations))::int as held_leavers,
           count(*) filter (where w.lane = 3 and w.for_run = 'gap')::int as gap,
           min(w.committed_at) filter (where not parked and w.state <> 'held') as oldest
      from sink.work w, lateral (select w.state in ('parked', 'conflict') as parked) p
     where w.integration_id in (select id from mine) group by w.integration_id
  ), codes as (
    select integration_id, jsonb_agg(jsonb_build_object('held', held, 'code', code, 'n', n)) as by_code
      from (select integration_id, state = 'held' as held, coalesce(code, 'UNEXPECTED') as code, count(*) as n
              from sink.work where state in ('parked', 'conflict', 'held') and integration_id in (select id from mine)
             group by 1, 2, 3) as counted
     group by integration_id
  ), people as (
    select tenant, count(*) filter (where not deleted)::int as people from sink.person
     where tenant in (select tenant from mine) group by tenant
  )
  select i.id, i.tenant, coalesce(t.identifier, t.name) as tenant_name, i.name, i.product, i.enabled, i.paused, i.shadow,
         s.state, s.code, coalesce(p.people, 0) as people, coalesce(w.people_out, 0) as people_out,
         coalesce(w.people_parked, 0) as people_parked, coalesce(w.work_out, 0) as work_out,
         coalesce(w.work_parked, 0) as work_parked, coalesce(w.held, 0) as held,
         coalesce(w.held_leavers, 0) as held_leavers, coalesce(w.gap, 0) as gap, w.oldest, c.by_code,
         (select jsonb_agg(jsonb_build_object('kind', b.kind, 'operation', b.operation, 'applied', b.applied,
                                              'pending', b.pending, 'allowed', b.allowed) order by b.kind, b.operation)
            from sink.brake b where b.integration_id = i.id) as brakes,
         (select jsonb_build_object('id', r.id, 'kind', r.kind, 'state', r.state, 'needsApproval', r.needs_approval,
                                    'progress', r.progress)
            from sink.run r
           where r.integration_id = i.id and r.state not in ('done', 'cancelled', 'failed')
           order by r.created_at desc limit 1) as open_run,
         s.drift_proved_at, s.drift_known, s.drift_differing
    from mine i
    left join sink.integration_state s on s.integration_id = i.id
    left join sink.tenant t on t.tenant = i.tenant
    left join people p on p.tenant = i.tenant
    left join work w on w.integration_id = i.id
    left join codes c on c.integration_id = i.id
   order by i.created_at, i.id`;

export async function readSinkStatus(db: Knex, tenants: readonly string[] | null): Promise<readonly SinkStatus[]> {
  const { rows } = await db.raw<{ rows: Row[] }>(statement, { tenants: tenants ? [...tenants] : null });
  return rows.map(toStatus);
}

function toStatus(row: Row): SinkStatus {
  const { id, tenant, name, product, enabled, paused, shadow, state, code, held, gap } = row;
  const byCode = (wanted: boolean): Record<string, number> =>
    Object.fromEntries((row.by_code ?? []).filter((c) => c.held === wanted).map((c) => [c.code, c.n]));
  const provedAt = row.drift_proved_at;
  return {
    id,
    tenant,
    tenantName: row.tenant_name,
    name,
    product,
    source: tenant.split('.')[0]!,
    enabled,
    paused,
    shadow,
    state,
    code,
    people: {
      inStep: Math.max(0, row.people - row.people_out - row.people_parked),
      outstanding: row.people_out,
      parked: row.people_parked,
    },
    work: { outstanding: row.work_out, parked: row.work_parked },
    held,
    heldLeavers: row.held_leavers,
    gap,
    oldestWorkMs: row.oldest?.getTime() ?? null,
    parkedByCode: byCode(false),
    heldByCode: byCode(true),
    brakes: row.brakes ?? [],
    openRun: row.open_run,
    drift:
      provedAt === null
        ? null
        : { provedAt: provedAt.toISOString(), known: row.drift_known ?? 0, differing: row.drift_differing ?? 0 },
  };
}
