import type { Knex } from '@orgstream/database';

/** What a sweep ended: code to rows. */
export type Swept = ReadonlyMap<string, number>;

/**
 * Ends what waits in vain, of all tenants, whoever owns them: what has no channel any more, and what has become too old.
 * Of what may have been sent nothing is decided here, but where nobody can look any more, or nobody could for so long that
 * it would be too old to be sent: what looks fail for may never pass, and the receiver's next ones wait behind it.
 */
export async function endHopeless(db: Knex): Promise<Swept> {
  const { rows } = await db.raw<{ rows: { code: string; n: string }[] }>(
    `with off as (
       update bridge.notification n set state = 'skipped', code = 'CHANNEL_OFF', ended_at = now()
        where n.state = 'queued'
          and not exists (select from control.channel c where c.integration_id = n.integration_id and c.enabled)
        returning code),
     unseen as (
       update bridge.notification n set state = 'failed', code = 'DELIVERY_UNKNOWN', ended_at = now()
        where n.state in ('unknown', 'sending') and n.next_at < now()
          and not exists (select from control.channel c where c.integration_id = n.integration_id)
        returning code),
     unclear as (
       update bridge.notification n set state = 'failed', code = 'DELIVERY_UNKNOWN', ended_at = now()
         from control.channel c
        where n.state = 'unknown' and c.integration_id = n.integration_id
          and n.sending_at < now() - c.max_age_s * interval '1 s'
        returning n.code),
     old as (
       update bridge.notification n
          set state = 'expired', code = 'NOTIFICATION_EXPIRED', ended_at = now(), payload = null
         from control.channel c
        where n.state = 'queued' and c.integration_id = n.integration_id and c.enabled
          and n.occurred_at <= now() - c.max_age_s * interval '1 s'
        returning n.code)
     select code, count(*) as n
       from (select code from off union all select code from unseen union all select code from unclear
             union all select code from old) as ended group by 1`,
  );
  return new Map(rows.map(({ code, n }) => [code, Number(n)]));
}

/** How long a failed or skipped notification of a channel that is gone could be tried again: the longest maxAge. */
const longestAgeS = 604_800;

/** Erases what notifications said once they are too old to be tried again, and answers that showed messages. */
export async function erasePayloads(db: Knex): Promise<void> {
  await db.raw(
    `update bridge.notification n set payload = null
      where n.payload is not null and n.ended_at is not null
        and n.occurred_at <= now() - interval '1 s' * coalesce(
              (select c.max_age_s from control.channel c where c.integration_id = n.integration_id), ${longestAgeS})`,
  );
  await db.raw(
    `update control.command set result = null
      where addressee = 'notification-bridge' and kind = 'conversation.read' and result is not null
        and updated_at < now() - interval '1 minute'`,
  );
}

/** Deletes ended rows older than the retention, a batch at a time; returns how many. */
export async function dropOld(db: Knex, days: number, batch = 5_000): Promise<number> {
  for (let total = 0; ;) {
    const { rows } = await db.raw<{ rows: { n: string }[] }>(
      `with gone as (
         delete from bridge.notification where id in (
           select id from bridge.notification where ended_at < now() - :days * interval '1 day' order by ended_at limit :batch)
         returning 1)
       select count(*) as n from gone`,
      { days, batch },
    );
    const n = Number(rows[0]!.n);
    total += n;
    if (n < batch) return total;
  }
}
