import type { Knex } from 'knex';

/** What is not in step, by what it waits for. The four do not overlap. */
export interface WorkCounts {
  /** On its way by itself. */
  readonly outstanding: number;
  /** By the brake, by a run or by an operator. */
  readonly held: number;
  /** With a code, or a match case. */
  readonly parked: number;
  /** For "Initiate synchronisation", or another run. */
  readonly gap: number;
}

/** One integration, as its operator asks about it. */
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
  readonly paused: boolean;
  readonly shadow: boolean;
  readonly people: WorkCounts & { readonly inStep: number };
  /** Of all objects. */
  readonly work: WorkCounts;
  /** Commit time of the oldest change that is on its way, Unix ms. */
  readonly oldestWorkMs: number | null;
  readonly parkedByCode: Readonly<Record<string, number>>;
  readonly heldByCode: Readonly<Record<string, number>>;
}

type Row = Omit<IntegrationStatus, 'people' | 'work' | 'oldestWorkMs' | 'tenantName'> & {
  readonly tenant_name: string | null;
  readonly people_total: string;
  readonly people: WorkCounts;
  readonly work: WorkCounts;
  readonly oldest: Date | null;
};

/** Of a work row, for readIntegrationStatus. */
const classOf = /* sql */ `case when state = 'held' then 'held' when state in ('parked', 'conflict') then 'parked'
  when lane = 3 then 'gap' else 'outstanding' end`;
const none: WorkCounts = { outstanding: 0, held: 0, parked: 0, gap: 0 };

/** People without a work row are in step. */
export async function readIntegrationStatus(db: Knex): Promise<readonly IntegrationStatus[]> {
  const { rows } = await db.raw<{ rows: Row[] }>(/* sql */ `
    with work as (
      select integration_id, ${classOf} as class, coalesce(code, 'UNEXPECTED') as code, count(*) as n,
             count(*) filter (where kind = 'person') as people, min(committed_at) as oldest
        from sink.work group by 1, 2, 3
    ), classes as (
      select integration_id, jsonb_object_agg(class, n) as work, jsonb_object_agg(class, people) as people,
             min(oldest) filter (where class = 'outstanding') as oldest
        from (select integration_id, class, sum(n) as n, sum(people) as people, min(oldest) as oldest
                from work group by 1, 2) as by_class
       group by 1
    ), codes as (
      select integration_id, jsonb_object_agg(code, n) filter (where class = 'parked') as parked,
             jsonb_object_agg(code, n) filter (where class = 'held') as held
        from work where class in ('parked', 'held') group by 1
    ), people as (
      select tenant, count(*) filter (where not deleted) as people_total from sink.person group by tenant
    )
    select i.id, i.tenant, i.name, i.product, i.enabled, i.paused, i.shadow, s.state, s.code,
           coalesce(t.identifier, t.name) as tenant_name,
           coalesce(p.people_total, 0) as people_total,
           coalesce(c.work, '{}') as work, coalesce(c.people, '{}') as people, c.oldest,
           coalesce(k.parked, '{}') as "parkedByCode", coalesce(k.held, '{}') as "heldByCode"
      from control.integration i
      left join sink.integration_state s on s.integration_id = i.id
      left join sink.tenant t on t.tenant = i.tenant
      left join people p on p.tenant = i.tenant
      left join classes c on c.integration_id = i.id
      left join codes k on k.integration_id = i.id
     order by i.created_at, i.id`);
  return rows.map(toStatus);
}

function toStatus({ tenant_name, people_total, people, work, oldest, ...row }: Row): IntegrationStatus {
  const counts = { ...none, ...people };
  const { outstanding, held, parked, gap } = counts;
  return {
    ...row,
    tenantName: tenant_name,
    people: { inStep: Math.max(0, Number(people_total) - outstanding - held - parked - gap), ...counts },
    work: { ...none, ...work },
    oldestWorkMs: oldest?.getTime() ?? null,
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
