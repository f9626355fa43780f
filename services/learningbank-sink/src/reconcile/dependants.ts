import type { Knex } from '@orgstream/database';
import { lanes } from '../model.ts';
import type { Claimed, WorkKey } from './keys.ts';

/** Position of the source that caused it. */
type Cause = Pick<Claimed, 'causeEpoch' | 'causeLsn' | 'committedAtMs'>;

/** Not a plain value: statistics that know nothing of the tenant would say that it has one row of each table. */
const whose = /* sql */ `(select cast(:tenant as text))`;

/**
 * Asks for everything to be looked at that refers to an object whose link was found to be gone: it will get another id at
 * the target, and no fact of the source announces that. People of a unit or role, and units below a unit; lane bulk. What
 * is in the gap stays there, and so does what is held; what was parked is looked at again: it may have been refused
 * because it named the very object that is gone.
 */
export async function markDependants(
  db: Knex,
  gone: { readonly key: WorkKey; readonly tenant: string; readonly cause: Cause },
): Promise<void> {
  const { key, tenant, cause } = gone;
  if (key.kind === 'person') return;
  const referring =
    key.kind === 'unit'
      ? `select 'person' as kind, person_id as id from sink.membership
          where tenant = ${whose} and unit_id = :id and not deleted and person_id is not null
         union select 'unit', id from sink.unit where tenant = ${whose} and parent_id = :id and not deleted`
      : `select 'person' as kind, m.person_id as id
           from sink.assignment a
          cross join lateral (select * from sink.membership where tenant = a.tenant and id = a.membership_id limit 1) m
          where a.tenant = ${whose} and a.role_id = :id and not a.deleted and not m.deleted and m.person_id is not null`;
  await db.raw(
    `insert into sink.work as w (integration_id, kind, id, lane, cause_epoch, cause_lsn, committed_at)
     select :integrationId, r.kind, r.id, :bulk, :causeEpoch, :causeLsn, to_timestamp(:committedAtMs / 1000.0)
       from (${referring}) r
      order by r.kind, r.id
     on conflict (integration_id, kind, id) do update
        set generation = excluded.generation, lane = case when w.lane = :gap then w.lane else least(w.lane, excluded.lane) end,
            state = case when w.state = 'held' then w.state else 'ready' end,
            next_at = case when w.ripe then least(w.next_at, now()) else w.next_at end`,
    {
      tenant,
      id: key.id,
      integrationId: key.integrationId,
      bulk: lanes.bulk,
      gap: lanes.gap,
      causeEpoch: cause.causeEpoch,
      causeLsn: cause.causeLsn,
      committedAtMs: cause.committedAtMs,
    },
  );
}
