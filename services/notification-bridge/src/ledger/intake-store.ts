import type { learningbank } from '@orgstream/core';
import type { Knex } from '@orgstream/database';

type Notification = learningbank.Notification;

/** Notified when rows are queued; the payload names the tenants, comma-separated, or is empty: any. */
export const ledgerChannel = 'orgstream_notification';

/** NOTIFY takes 8,000 bytes at most. */
const maxPayload = 7_000;

/** What became of a batch; `ended`: skipped or expired at once, by code. */
export interface Ledgered {
  readonly queued: number;
  readonly ended: ReadonlyMap<string, number>;
  /** In the ledger already, or twice in this batch: nothing was changed. */
  readonly known: number;
  /** Of an integration that is gone, of another tenant's, or to a receiver who was forgotten: nothing is kept. */
  readonly foreign: number;
}

/**
 * Enters notifications into the ledger, one statement however many. A row that is there stays as it is: a replay of the
 * topic changes nothing. What cannot be sent is entered as ended, without its payload, with the code that says why.
 * Nothing happened after it came: a clock of Learningbank's that is wrong must not make a notification that never ages.
 */
export async function enterNotifications(db: Knex, notifications: readonly Notification[]): Promise<Ledgered> {
  const sorted = [...notifications].sort(byTime);
  const { rows } = await db.raw<{ rows: { tenant: string; code: string | null; ours: string; entered: string }[] }>(
    `with given as (
       select r.*, i.id as ours, c.integration_id is not null and c.enabled as open, c.since, c.max_age_s,
              s.enabled is distinct from false as type_on
         from unnest(?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::bigint[], ?::bigint[], ?::jsonb[])
              with ordinality as r (integration, tenant, id, receiver, type, occurred, received, payload, place)
         join control.integration i on i.id::text = r.integration and i.tenant = r.tenant
         left join control.channel c on c.integration_id = i.id
         left join control.notification_setting s on s.integration_id = i.id and s.type = r.type
        where not exists (
          select from bridge.forgotten f
           where f.integration_id = i.id and f.receiver = r.receiver
             and not exists (select from sink.link l where l.integration_id = i.id and l.kind = 'person'
                                and l.target_id::text = r.receiver))),
     judged as (
       select *, to_timestamp(least(occurred, received) / 1000.0) as at, case
           when not open then 'CHANNEL_OFF'
           when not type_on then 'TYPE_OFF'
           when to_timestamp(least(occurred, received) / 1000.0) < greatest(since, now() - max_age_s * interval '1 s')
             then 'NOTIFICATION_EXPIRED'
         end as code from given),
     entered as (
       insert into bridge.notification as n
         (integration_id, tenant, notification_id, receiver, type, occurred_at, received_at, state, code, payload, ended_at)
       select ours, tenant, id, receiver, type, at, to_timestamp(received / 1000.0),
              case when code is null then 'queued' when code = 'NOTIFICATION_EXPIRED' then 'expired' else 'skipped' end,
              code, case when code is null then payload end, case when code is not null then now() end
         from judged order by place
       on conflict (integration_id, notification_id, receiver) do nothing
       returning n.tenant, n.code)
     select tenant, code, sum(ours) as ours, sum(entered) as entered from (
         select tenant, code, 0 as ours, 1 as entered from entered
         union all select tenant, null, 1, 0 from given) as counted
      group by tenant, code`,
    columnsOf(sorted),
  );
  const woken = rows.filter(({ code, entered }) => code === null && Number(entered) > 0);
  if (woken.length > 0) await wake(db, new Set(woken.map(({ tenant }) => tenant)));
  return countsOf(rows, notifications.length);
}

function countsOf(
  rows: readonly { readonly code: string | null; readonly ours: string; readonly entered: string }[],
  given: number,
): Ledgered {
  let [queued, ours, entered] = [0, 0, 0];
  const ended = new Map<string, number>();
  for (const row of rows) {
    ours += Number(row.ours);
    entered += Number(row.entered);
    if (row.code === null) queued += Number(row.entered);
    else ended.set(row.code, (ended.get(row.code) ?? 0) + Number(row.entered));
  }
  return { queued, ended, known: ours - entered, foreign: given - ours };
}

/** A hint: who is not reached polls. */
async function wake(db: Knex, tenants: ReadonlySet<string>): Promise<void> {
  const payload = [...tenants].join(',');
  await db.raw(`select pg_notify(?, ?)`, [ledgerChannel, payload.length > maxPayload ? '' : payload]);
}

/**
 * A receiver's notifications in the order in which they happened: rows are sent by their ids. It depends on nothing but
 * what they say, so that two writers at once (a rebalance) take the keys in one order.
 */
function byTime(a: Notification, b: Notification): number {
  const [left, right] = [a, b].map(({ integrationId, receiver }) => `${integrationId}/${receiver}`);
  if (left !== right) return left! < right! ? -1 : 1;
  return a.occurredAtMs - b.occurredAtMs || a.id.length - b.id.length || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

function columnsOf(notifications: readonly Notification[]): readonly Knex.RawBinding[] {
  return [
    notifications.map(({ integrationId }) => integrationId),
    notifications.map(({ tenant }) => tenant),
    notifications.map(({ id }) => id),
    notifications.map(({ receiver }) => receiver),
    notifications.map(({ type }) => type),
    notifications.map(({ occurredAtMs }) => occurredAtMs),
    notifications.map(({ receivedAtMs }) => receivedAtMs),
    notifications.map(({ email, fields, link }) => JSON.stringify({ email, fields, link })),
  ];
}
