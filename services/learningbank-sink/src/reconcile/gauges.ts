import type { Knex } from '@orgstream/database';
import { lanes, type Lane } from '../model.ts';
import type { WorkGauges } from '../metrics.ts';
import { laneName } from './keys.ts';

/** A count may take this share of the time: of millions of links it takes seconds. */
const countShare = 0.01;

/** Counts links, again only once the last count has paid for itself; small installations are always exact. */
export function createLinkCount(db: Knex, clock: () => number): () => Promise<number> {
  let linked = 0;
  let againAt = Number.NEGATIVE_INFINITY;
  return async () => {
    const startedAt = clock();
    if (startedAt < againAt) return linked;
    const { rows } = await db.raw<{ rows: { linked: string }[] }>(`select count(*) as linked from sink.link`);
    againAt = clock() + (clock() - startedAt) / countShare;
    return (linked = Number(rows[0]!.linked));
  };
}

/** Reads what the gauges of work show; one scan of `work`. */
export async function readGauges(db: Knex, countLinks: () => Promise<number>): Promise<WorkGauges> {
  const { rows } = await db.raw<{
    rows: { lane: number; resting: boolean; code: string | null; objects: string; oldest_ms: string }[];
  }>(
    `select lane, state in ('parked', 'conflict') as resting, case when state in ('parked', 'conflict') then code end as code,
            count(*) as objects, extract(epoch from now() - min(marked_at)) * 1000 as oldest_ms
       from sink.work group by 1, 2, 3`,
  );
  const linked = await countLinks();
  const oldestMs = Object.fromEntries(Object.keys(lanes).map((lane) => [lane, 0])) as Record<Lane, number>;
  const parked = new Map<string, number>();
  let outstanding = 0;
  for (const row of rows) {
    outstanding += Number(row.objects);
    if (row.resting)
      parked.set(row.code ?? 'UNEXPECTED', (parked.get(row.code ?? 'UNEXPECTED') ?? 0) + Number(row.objects));
    else oldestMs[laneName(row.lane)] = Math.max(oldestMs[laneName(row.lane)], Number(row.oldest_ms));
  }
  const known = Math.max(linked, outstanding, 1);
  return { oldestMs, parked, inSync: 1 - Math.min(1, outstanding / known) };
}
