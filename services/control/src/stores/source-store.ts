import type { Knex } from '@orgstream/database';

export interface SourceRow {
  readonly name: string;
  readonly state: string;
  readonly code: string | null;
  readonly message: string | null;
  readonly slot_name: string;
  readonly url_secret_id: string;
  readonly slot_retained_bytes: string | null;
  readonly committed_at: Date | null;
  readonly snapshots_open: number;
}

/** Sources that have not been removed, by name; one more than `limit`. */
export async function listSourcePage(
  db: Knex,
  options: { readonly names: readonly string[] | null; readonly after?: string | undefined; readonly limit: number },
): Promise<readonly SourceRow[]> {
  const { rows } = await db.raw<{ rows: SourceRow[] }>(
    `select s.name, s.state, s.code, s.message, s.slot_name, s.url_secret_id, s.slot_retained_bytes, s.committed_at,
            ((select count(*) from cdc.snapshot n where n.source = s.name and n.state in ('requested', 'running'))
             + (select count(*) from control.command c where c.addressee = 'ziik-cdc' and c.kind = 'snapshot'
                   and c.state in ('new', 'running') and c.payload ->> 'source' = s.name))::int as snapshots_open
       from cdc.source s
      where s.removed_at is null
        and (cast(:names as text[]) is null or s.name = any(cast(:names as text[])))
        and (cast(:after as text) is null or s.name > :after)
      order by s.name limit :limit`,
    { names: options.names ? [...options.names] : null, after: options.after ?? null, limit: options.limit + 1 },
  );
  return rows;
}
