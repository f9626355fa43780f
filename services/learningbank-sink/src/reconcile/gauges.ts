import type { Knex } from '@orgstream/database';
import { lanes, type Lane } from '../model.ts';
import type { RunWait, WorkGauges } from '../metrics.ts';
import { readProof } from '../operate/drift-store.ts';
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

/** Codes of what is held until an operator decides about it. */
const undecided = `('BRAKE_TRIPPED', 'MORE_DESTRUCTIVE', 'DELETION_UNCONFIRMED')`;

/** Reads what the gauges of work show; one scan of `work`. */
export async function readGauges(db: Knex, countLinks: () => Promise<number>): Promise<WorkGauges> {
  const { rows } = await db.raw<{
    rows: { lane: number; resting: boolean; code: string | null; objects: string; oldest_ms: string }[];
  }>(
    `select lane, state in ('parked', 'conflict', 'held') as resting, case when state in ('parked', 'conflict') then code end as code,
            count(*) as objects, extract(epoch from now() - min(marked_at)) * 1000 as oldest_ms
       from sink.work group by 1, 2, 3`,
  );
  const linked = await countLinks();
  const oldestMs = Object.fromEntries(Object.keys(lanes).map((lane) => [lane, 0])) as Record<Lane, number>;
  const parked = new Map<string, number>();
  let outstanding = 0;
  for (const row of rows) {
    outstanding += Number(row.objects);
    if (!row.resting) oldestMs[laneName(row.lane)] = Math.max(oldestMs[laneName(row.lane)], Number(row.oldest_ms));
    else if (row.code !== null) parked.set(row.code, (parked.get(row.code) ?? 0) + Number(row.objects));
  }
  const known = Math.max(linked, outstanding, 1);
  const proof = await readProof(db);
  const inSync = 1 - Math.min(1, (outstanding + proof.differing) / known);
  return {
    oldestMs,
    parked,
    inSync,
    provedMs: proof.oldestMs,
    ...(await readHeld(db)),
    gapLeavers: await countGapLeavers(db),
    runs: await readRuns(db),
  };
}

async function readHeld(db: Knex): Promise<Pick<WorkGauges, 'held' | 'heldLeavers' | 'tripped'>> {
  const { rows } = await db.raw<{ rows: { what: string; operation: string | null; objects: string }[] }>(
    `with held as materialized (
       select kind, operations from sink.work where state = 'held' and code in ${undecided})
     select 'held' as what, o.operation, count(*) as objects from held cross join lateral unnest(operations) as o (operation) group by 2
     union all
     select 'leavers', null, count(*) from held where kind = 'person' and operations && array['deactivate', 'delete']
     union all
     select 'tripped', operation, count(*) from sink.brake group by 2`,
  );
  const of = (what: string): ReadonlyMap<string, number> =>
    new Map(rows.filter((row) => row.what === what).map((row) => [row.operation ?? '', Number(row.objects)]));
  return { held: of('held'), heldLeavers: of('leavers').get('') ?? 0, tripped: of('tripped') };
}

/** Open runs by what they wait for, and for how long the one that waits longest has not moved. */
async function readRuns(db: Knex): Promise<WorkGauges['runs']> {
  const { rows } = await db.raw<{ rows: { state: RunWait; runs: string; idle_ms: string }[] }>(
    `select case when paused then 'paused' when state = 'planned' then 'approval' when state = 'waiting_for_snapshot' then 'snapshot'
                 else state end as state,
            count(*) as runs, max(extract(epoch from now() - updated_at)) * 1000 as idle_ms
       from sink.run where state in ('waiting_for_snapshot', 'planning', 'planned', 'applying') group by 1`,
  );
  return new Map(rows.map(({ state, runs, idle_ms }) => [state, { runs: Number(runs), idleMs: Number(idle_ms) }]));
}

async function countGapLeavers(db: Knex): Promise<number> {
  const { rows } = await db.raw<{ rows: { n: string }[] }>(
    `select count(*) as n from sink.work w
       join control.integration i on i.id = w.integration_id
      cross join lateral (
        select f.* from sink.person f where f.tenant = i.tenant and f.id = w.id limit 1) p
      cross join lateral (
        select k.applied from sink.link k where k.integration_id = w.integration_id and k.kind = (select 'person') and k.id = w.id limit 1) l
      where w.lane = ${lanes.gap} and w.for_run = 'gap' and w.kind = 'person' and l.applied -> 'active' = 'true'
        and (p.deleted or p.anonymised or p.active = false or p.expires_at <= now())`,
  );
  return Number(rows[0]!.n);
}
