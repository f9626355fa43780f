import type { Operation } from '@orgstream/core';
import type { Knex } from '@orgstream/database';
import { lanes, type ObjectKind } from '../model.ts';
import { goneSql } from '../ingest/columns.ts';
import type { Trip } from './book.ts';
import { dayMs } from './windows.ts';

/** What the brake of an integration has to know when a platform is taken over. */
export interface BrakeMemory {
  readonly applied: readonly {
    readonly kind: ObjectKind;
    readonly id: string;
    readonly operation: Operation;
    readonly ageMs: number;
  }[];
  readonly tripped: readonly { readonly kind: ObjectKind; readonly operation: Operation }[];
}

/**
 * Unapproved changes of the last day, each object once per operation at its latest, oldest first: done ones, and those of
 * which nobody knows. What a first sync created does not count.
 */
export async function loadBrake(db: Knex, integrationId: string): Promise<BrakeMemory> {
  const applied = await db.raw<{ rows: { kind: ObjectKind; id: string; operation: Operation; age_ms: string }[] }>(
    `select a.kind, a.object_id as id, o.operation, extract(epoch from now() - max(a.sent_at)) * 1000 as age_ms
       from sink.attempt a
      cross join lateral unnest(a.operations) as o (operation)
       left join sink.integration_state s on s.integration_id = a.integration_id
       left join sink.run r on r.id = a.run_id
      where a.integration_id = :integrationId and a.sent_at > now() - :dayMs * interval '1 ms' and a.operations <> '{}'
        and not a.approved and a.state <> 'failed'
        and (o.operation <> 'create' or (a.sent_at > s.first_sync_done_at and not coalesce(r.is_first or r.kind = 'rebuild', false)))
      group by 1, 2, 3 order by max(a.sent_at)`,
    { integrationId, dayMs },
  );
  const tripped = await db.raw<{ rows: { kind: ObjectKind; operation: Operation }[] }>(
    `select kind, operation from sink.brake where integration_id = :integrationId`,
    { integrationId },
  );
  return {
    applied: applied.rows.map(({ kind, id, operation, age_ms }) => ({ kind, id, operation, ageMs: Number(age_ms) })),
    tripped: tripped.rows,
  };
}

interface OfKind {
  readonly integrationId: string;
  readonly kind: ObjectKind;
}

/**
 * Work that may become calls without an operator's word; `w` is its alias. What was approved and then changed by the source
 * may want something else by now: that is looked at.
 */
const outstanding = /* sql */ `
  w.integration_id = :integrationId and w.kind = :kind and w.lane < ${lanes.gap}
  and (w.state in ('ready', 'waiting') or (w.state = 'held' and w.code = 'BRAKE_TRIPPED')) and w.undo is null
  and (w.run_id is null or w.approved_operations is null or w.own_lane is not null)
  and (w.approved_hash is null or w.approved_hash is distinct from w.hash
       or (w.state <> 'held' and (w.run_id is null or w.own_lane is not null)))`;

/** How much there is, up to `atMost`. */
export async function countOutstanding(db: Knex, of: OfKind & { readonly atMost: number }): Promise<number> {
  const { rows } = await db.raw<{ rows: { n: string }[] }>(
    `select count(*) as n from (select from sink.work w where ${outstanding} limit :atMost) w`,
    { ...of },
  );
  return Number(rows[0]!.n);
}

/**
 * How many people who are linked and active are to be deactivated, by their facts alone, up to `atMost`. A leaver in the
 * middle of a large run must not wait until it is known what everybody else wants.
 */
export async function countLeavers(
  db: Knex,
  { integrationId, atMost }: { readonly integrationId: string; readonly atMost: number },
): Promise<number> {
  const { rows } = await db.raw<{ rows: { n: string }[] }>(
    `select count(*) as n from (
       select from sink.work w
         join sink.link l on l.integration_id = w.integration_id and l.kind = 'person' and l.id = w.id and l.applied -> 'active' = 'true'
         join sink.integration_state s on s.integration_id = w.integration_id
         join sink.person p on p.tenant = s.tenant and p.id = w.id and (p.expiry_marked or ${goneSql('p')})
        where ${outstanding} limit :atMost) w`,
    { integrationId, kind: 'person', atMost },
  );
  return Number(rows[0]!.n);
}

/** A row of outstanding work; `operations` are known of what is held, and of what a run has planned. */
export interface Outstanding {
  readonly id: string;
  readonly generation: number;
  readonly isReady: boolean;
  readonly operations: readonly Operation[] | null;
  readonly holdHash: string | null;
  readonly approvedHash: string | null;
  /** Of a first run: what it makes does not count. */
  readonly isFirst: boolean;
  /** Of a run that was approved. */
  readonly approvedOperations: readonly Operation[] | null;
}

export async function readOutstanding(db: Knex, of: OfKind): Promise<readonly Outstanding[]> {
  const { rows } = await db.raw<{
    rows: {
      id: string;
      generation: string;
      state: string;
      operations: Operation[] | null;
      hold_hash: string | null;
      approved_hash: string | null;
      approved_operations: Operation[] | null;
      is_first: boolean;
    }[];
  }>(
    `select w.id, w.generation, w.state, w.hold_hash, w.approved_hash, case when w.run_id is not null then w.approved_operations end as approved_operations,
            coalesce(f.is_first or f.kind = 'rebuild', false) as is_first,
            case when w.state = 'held' then w.operations else i.operations end as operations
       from sink.work w
       left join sink.run f on f.id = w.run_id
       left join sink.run_item i on i.run_id = w.run_id and i.kind = w.kind and i.id = w.id
            and w.lane = ${lanes.bulk} and w.own_lane is null and w.state <> 'held'
      where ${outstanding}`,
    { ...of },
  );
  return rows.map((row) => ({
    id: row.id,
    generation: Number(row.generation),
    isReady: row.state === 'ready',
    operations: row.operations,
    holdHash: row.hold_hash,
    approvedHash: row.approved_hash,
    approvedOperations: row.approved_operations,
    isFirst: row.is_first,
  }));
}

/** Active objects of the kind that are linked: what shares are of. */
export async function countLinked(db: Knex, of: OfKind): Promise<number> {
  const { rows } = await db.raw<{ rows: { n: string }[] }>(
    `select count(*) as n from sink.link
      where integration_id = :integrationId and kind = :kind and (kind <> 'person' or applied -> 'active' = 'true')`,
    { ...of },
  );
  return Number(rows[0]!.n);
}

/** The lease of the platform's owner: nobody else speaks for its brakes. */
export interface Fence {
  readonly platform: string;
  readonly token: number;
}

const fenced = `exists (select from sink.platform where id = :platform and lease_token = :token)`;

/** Shows what has tripped; once it stands there it survives us. */
export async function putTrips(
  db: Knex,
  {
    platform,
    token,
    integrationId,
    trips,
  }: Fence & { readonly integrationId: string; readonly trips: readonly Trip[] },
): Promise<void> {
  await db.raw(
    `insert into sink.brake (integration_id, kind, operation, applied, pending, allowed)
     select :integrationId, r.kind, r.operation, r.applied, r.pending, r.allowed
       from jsonb_to_recordset(cast(:trips as jsonb)) as r (kind text, operation text, applied int, pending int, allowed int)
      where ${fenced}
     on conflict (integration_id, kind, operation) do update set (applied, pending, allowed) =
       (excluded.applied, excluded.pending, excluded.allowed)`,
    { platform, token, integrationId, trips: JSON.stringify(trips) },
  );
}

/** True while the brake holds an object for this operation that no operator has approved. */
export async function holdsAny(db: Knex, of: OfKind & { readonly operation: Operation }): Promise<boolean> {
  const { rows } = await db.raw<{ rows: { held: boolean }[] }>(
    `select exists (select from sink.work w where ${outstanding} and w.state = 'held' and :operation = any(w.operations)) as held`,
    { ...of },
  );
  return rows[0]!.held;
}

/** The operation is no longer tripped: who was held for it, and for no other, is tried again. Returns how many. */
export async function dropTrip(db: Knex, of: Fence & OfKind & { readonly operation: Operation }): Promise<number> {
  const { rows } = await db.raw<{ rows: unknown[] }>(
    `with dropped as (
       delete from sink.brake where integration_id = :integrationId and kind = :kind and operation = :operation and ${fenced}
       returning 1)
     update sink.work w set state = 'ready', code = null, next_at = now()
      where exists (select from dropped) and w.integration_id = :integrationId and w.kind = :kind and w.state = 'held'
        and w.code = 'BRAKE_TRIPPED' and :operation = any(w.operations)
        and not exists (select from sink.brake b where b.integration_id = w.integration_id and b.kind = w.kind
                           and b.operation <> :operation and b.operation = any(w.operations))
     returning 1`,
    { ...of },
  );
  return rows.length;
}
