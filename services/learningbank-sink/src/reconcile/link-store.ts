import type { Knex } from '@orgstream/database';
import { type AttemptEnd, attemptEndColumns, type LinkChange } from './attempt-store.ts';
import type { Claimed, LinkRow, WorkKey } from './keys.ts';
import type { ObjectKind } from '../model.ts';

/** A change of a link that no call caused: an adoption, or an object found to be gone or different. */
export interface LinkRecord {
  readonly key: WorkKey;
  readonly cause: Claimed;
  /** undefined: no call, so no attempt. */
  readonly end?: AttemptEnd;
  readonly link: LinkChange | null;
}

/** `stale`: the attempt was closed by another owner meanwhile; `taken`: the target object is another object's. */
export type Recorded = 'recorded' | 'stale' | 'taken';

const rowOf = ({ key, cause, end, link }: LinkRecord): object => ({
  integration_id: key.integrationId,
  kind: key.kind,
  id: key.id,
  attempt_id: end?.attemptId ?? null,
  state: end?.state ?? null,
  status: end?.status ?? null,
  code: end?.code ?? null,
  change: link?.change ?? null,
  target_id: link?.change === 'put' ? link.targetId : null,
  made_by_us: link?.change === 'put' ? link.madeByUs : null,
  is_top: link?.change === 'put' && link.isTop,
  applied: link?.change === 'put' ? link.applied : null,
  cause_epoch: cause.causeEpoch,
  cause_lsn: cause.causeLsn,
});

/**
 * Ends attempts and writes what is true at the target since, many in one statement. Fenced twice: without a call by the
 * lease token; after a call by the attempt still being open, so that what was truly done is recorded even when the lease
 * ran out meanwhile, unless a new owner has already looked.
 */
export async function record(
  db: Knex,
  batch: { readonly platform: string; readonly token: number; readonly records: readonly LinkRecord[] },
): Promise<readonly Recorded[]> {
  const { rows } = await db.raw<{
    rows: { integration_id: string; kind: string; id: string; fresh: boolean; taken: boolean }[];
  }>(
    `with lease as materialized (
       select from sink.platform where id = :platform and lease_token = :token for share),
     r as materialized (select * from jsonb_to_recordset(cast(:records as jsonb)) as r ${attemptEndColumns}),
     ended as (
       update sink.attempt a set state = r.state, status = r.status, code = r.code, finished_at = now(),
              target_id = coalesce(r.target_id, a.target_id)
         from r where a.id = r.attempt_id and a.state = 'sent'
       returning a.id),
     fresh as materialized (
       select r.*, change = 'put' and not is_top and (
                exists (select from sink.link l where l.platform = :platform and l.kind = r.kind and l.target_id = r.target_id
                           and not l.is_top and (l.integration_id, l.id) <> (r.integration_id, r.id))
                or exists (select from r o where o.change = 'put' and not o.is_top and o.kind = r.kind and o.target_id = r.target_id
                              and (o.integration_id, o.id) < (r.integration_id, r.id))) as taken
         from r where case when attempt_id is null then exists (select from lease)
                           else attempt_id in (select id from ended) end),
     put as (
       insert into sink.link as l (integration_id, kind, id, platform, target_id, made_by_us, is_top, applied, cause_epoch, cause_lsn)
       select integration_id, kind, id, :platform, target_id, coalesce(made_by_us, false), is_top, applied, cause_epoch, cause_lsn
         from fresh where change = 'put' and not taken
          and (kind <> 'person' or not exists (
            select from sink.erased e join control.integration i on i.tenant = e.tenant
             where i.id = fresh.integration_id and e.person_id = fresh.id))
       on conflict (integration_id, kind, id) do update
          set made_by_us = case when l.target_id = excluded.target_id then l.made_by_us else excluded.made_by_us end,
              target_id = excluded.target_id, applied = excluded.applied, cause_epoch = excluded.cause_epoch,
              cause_lsn = excluded.cause_lsn, updated_at = now()),
     removed as (
       delete from sink.link l using fresh f
        where f.change = 'remove' and (l.integration_id, l.kind, l.id) = (f.integration_id, f.kind, f.id))
     select r.integration_id, r.kind, r.id, f.id is not null as fresh, coalesce(f.taken, false) as taken
       from r left join fresh f using (integration_id, kind, id)`,
    { platform: batch.platform, token: batch.token, records: JSON.stringify(batch.records.map(rowOf)) },
  );
  const found = new Map(rows.map((row) => [`${row.integration_id}/${row.kind}/${row.id}`, row]));
  return batch.records.map(({ key }) => {
    const row = found.get(`${key.integrationId}/${key.kind}/${key.id}`);
    return row?.fresh !== true ? 'stale' : row.taken ? 'taken' : 'recorded';
  });
}

/** The link of an object, if it has one. */
export async function readLink(db: Knex, key: WorkKey): Promise<LinkRow | undefined> {
  const { rows } = await db.raw<{
    rows: { target_id: string; kind: ObjectKind; made_by_us: boolean; is_top: boolean; applied: unknown }[];
  }>(
    `select target_id, kind, made_by_us, is_top, applied from sink.link
      where integration_id = :integrationId and kind = :kind and id = :id`,
    { ...key },
  );
  const row = rows[0];
  return (
    row && {
      targetId: Number(row.target_id),
      kind: row.kind,
      madeByUs: row.made_by_us,
      isTop: row.is_top,
      applied: row.applied,
    }
  );
}

/**
 * Remembers who of these users is an Owner of the platform, and who is not. Links are found by the users, then met by
 * their whole keys: by the integration, each page of users would read all of them.
 */
export async function markOwners(
  db: Knex,
  { integrationId, platform }: { readonly integrationId: string; readonly platform: string },
  users: { readonly among: readonly number[]; readonly owners: readonly number[] },
): Promise<void> {
  await db.raw(
    `update sink.link l set applied = case when o.owner then l.applied || '{"owner": true}' else l.applied - 'owner' end
       from (select k.integration_id, k.kind, k.id, u.id = any(cast(:owners as bigint[])) as owner
               from unnest(cast(:among as bigint[])) as u (id)
              cross join lateral (
                select * from sink.link where platform = (select cast(:platform as text)) and kind = (select 'person')
                   and target_id = u.id and not is_top offset 0) k
              where cast(k.integration_id as text) = :integrationId) o
      where l.integration_id = o.integration_id and l.kind = o.kind and l.id = o.id
        and (l.applied -> 'owner' is not null) <> o.owner`,
    { integrationId, platform, among: [...users.among], owners: [...users.owners] },
  );
}
