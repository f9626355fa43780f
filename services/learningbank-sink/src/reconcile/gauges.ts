import type { Knex } from '@orgstream/database';
import { lanes, type Lane } from '../model.ts';
import type { WorkGauges } from '../metrics.ts';
import { laneName } from './keys.ts';

/** Reads what the gauges of work show; one scan of `work` and two counts. */
export async function readGauges(db: Knex): Promise<WorkGauges> {
  const { rows } = await db.raw<{
    rows: { lane: number; resting: boolean; code: string | null; objects: string; oldest_ms: string }[];
  }>(
    `select lane, state in ('parked', 'conflict') as resting, case when state in ('parked', 'conflict') then code end as code,
            count(*) as objects, extract(epoch from now() - min(marked_at)) * 1000 as oldest_ms
       from sink.work group by 1, 2, 3`,
  );
  const linked = await db.raw<{ rows: { linked: string }[] }>(`select count(*) as linked from sink.link`);
  const oldestMs = Object.fromEntries(Object.keys(lanes).map((lane) => [lane, 0])) as Record<Lane, number>;
  const parked = new Map<string, number>();
  let outstanding = 0;
  for (const row of rows) {
    outstanding += Number(row.objects);
    if (row.resting)
      parked.set(row.code ?? 'UNEXPECTED', (parked.get(row.code ?? 'UNEXPECTED') ?? 0) + Number(row.objects));
    else oldestMs[laneName(row.lane)] = Math.max(oldestMs[laneName(row.lane)], Number(row.oldest_ms));
  }
  const known = Math.max(Number(linked.rows[0]!.linked), outstanding, 1);
  return { oldestMs, parked, inSync: 1 - Math.min(1, outstanding / known) };
}
