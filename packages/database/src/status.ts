import type { Knex } from 'knex';

/** One integration, as its operator asks about it. Counts are of people; work counts are of all objects. */
export interface IntegrationStatus {
  readonly id: string;
  readonly tenant: string;
  readonly tenantName: string | null;
  readonly name: string;
  readonly product: 'sync' | 'login';
  readonly enabled: boolean;
  /** State of the first sync; null before the sink has met the integration. */
  readonly state: string | null;
  readonly code: string | null;
  readonly people: { readonly inStep: number; readonly outstanding: number; readonly parked: number };
  readonly work: { readonly outstanding: number; readonly parked: number };
  /** Commit time of the oldest change not yet at the target, Unix ms. */
  readonly oldestWorkMs: number | null;
  readonly parkedByCode: Readonly<Record<string, number>>;
}

type Row = Omit<IntegrationStatus, 'people' | 'work' | 'oldestWorkMs' | 'tenantName'> & {
  readonly tenant_name: string | null;
  readonly people_total: string;
  readonly people_outstanding: string;
  readonly people_parked: string;
  readonly work_outstanding: string;
  readonly work_parked: string;
  readonly oldest: Date | null;
};

/** People without a work row are in step; parked and conflict rows wait for somebody; the rest is outstanding. */
export async function readIntegrationStatus(db: Knex): Promise<readonly IntegrationStatus[]> {
  const { rows } = await db.raw<{ rows: Row[] }>(/* sql */ `
    with work as (
      select integration_id,
             count(*) filter (where state not in ('parked', 'conflict')) as work_outstanding,
             count(*) filter (where state in ('parked', 'conflict')) as work_parked,
             count(*) filter (where kind = 'person' and state not in ('parked', 'conflict')) as people_outstanding,
             count(*) filter (where kind = 'person' and state in ('parked', 'conflict')) as people_parked,
             min(committed_at) filter (where state not in ('parked', 'conflict')) as oldest
        from sink.work group by integration_id
    ), parked as (
      select integration_id, jsonb_object_agg(code, n) as by_code
        from (select integration_id, coalesce(code, 'UNEXPECTED') as code, count(*) as n from sink.work
               where state in ('parked', 'conflict') group by 1, 2) as codes
       group by integration_id
    ), people as (
      select tenant, count(*) filter (where not deleted) as people_total from sink.person group by tenant
    )
    select i.id, i.tenant, i.name, i.product, i.enabled, s.state, s.code,
           coalesce(t.identifier, t.name) as tenant_name,
           coalesce(p.people_total, 0) as people_total,
           coalesce(w.people_outstanding, 0) as people_outstanding, coalesce(w.people_parked, 0) as people_parked,
           coalesce(w.work_outstanding, 0) as work_outstanding, coalesce(w.work_parked, 0) as work_parked,
           w.oldest, coalesce(k.by_code, '{}') as "parkedByCode"
      from control.integration i
      left join sink.integration_state s on s.integration_id = i.id
      left join sink.tenant t on t.tenant = i.tenant
      left join people p on p.tenant = i.tenant
      left join work w on w.integration_id = i.id
      left join parked k on k.integration_id = i.id
     order by i.created_at, i.id`);
  return rows.map(toStatus);
}

function toStatus(row: Row): IntegrationStatus {
  const { id, tenant, name, product, enabled, state, code, parkedByCode } = row;
  const outstanding = Number(row.people_outstanding);
  const parked = Number(row.people_parked);
  return {
    id,
    tenant,
    tenantName: row.tenant_name,
    name,
    product,
    enabled,
    state,
    code,
    people: { inStep: Math.max(0, Number(row.people_total) - outstanding - parked), outstanding, parked },
    work: { outstanding: Number(row.work_outstanding), parked: Number(row.work_parked) },
    oldestWorkMs: row.oldest?.getTime() ?? null,
    parkedByCode,
  };
}

export interface SourceRow {
  readonly name: string;
  readonly state: string;
  readonly code: string | null;
  readonly slot_name: string;
  readonly url_secret_id: string;
  readonly snapshots_open: number;
}

/** Sources that have not been removed, with the number of snapshots asked for and not finished. */
export async function listSources(db: Knex): Promise<readonly SourceRow[]> {
  const { rows } = await db.raw<{ rows: SourceRow[] }>(/* sql */ `
    select s.name, s.state, s.code, s.slot_name, s.url_secret_id,
           ((select count(*) from cdc.snapshot n where n.source = s.name and n.state in ('requested', 'running'))
            + (select count(*) from control.command c where c.addressee = 'ziik-cdc' and c.kind = 'snapshot'
                  and c.state in ('new', 'running') and c.payload ->> 'source' = s.name))::int as snapshots_open
      from cdc.source s where s.removed_at is null order by s.name`);
  return rows;
}

/** Next offset to ingest per partition of a topic. */
export async function readIngestOffsets(db: Knex, topic: string): Promise<ReadonlyMap<number, number>> {
  const { rows } = await db.raw<{ rows: { partition: number; next_offset: string }[] }>(
    `select partition, next_offset from sink.ingest_offset where topic = ?`,
    [topic],
  );
  return new Map(rows.map((row) => [row.partition, Number(row.next_offset)]));
}
