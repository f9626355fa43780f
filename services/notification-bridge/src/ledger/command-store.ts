import type { ErrorCode } from '@orgstream/core';
import type { Knex } from '@orgstream/database';
import { ledgerChannel } from './intake-store.ts';
import { testType } from '../deliver/text-store.ts';

/** Why a command was refused. */
export interface Refused {
  readonly code: ErrorCode;
  readonly message: string;
}

/**
 * Queues a test message to one person, at most one for each command; its row, or why there is none. Fields that a type
 * may have are filled with samples.
 */
export async function insertTest(
  db: Knex,
  test: {
    readonly command: number;
    readonly integration: string;
    readonly person: string;
    readonly type: string | undefined;
    readonly fields: Readonly<Record<string, string>>;
  },
): Promise<number | Refused> {
  const { rows } = await db.raw<{ rows: { id: string | null; open: boolean; email: string | null }[] }>(
    `with whom as (
       select i.id, i.tenant, i.platform_url, coalesce(c.enabled, false) as open, p.email,
              jsonb_strip_nulls(jsonb_build_object('firstName', p.first_name, 'lastName', p.last_name)) as name,
              (select l.target_id::text from sink.link l
                where l.integration_id = i.id and l.kind = 'person' and l.id = :person limit 1) as receiver
         from control.integration i
         left join control.channel c on c.integration_id = i.id
         left join sink.person p on p.tenant = i.tenant and p.id = :person and p.log_offset >= 0
        where i.id = :integration),
     made as (
       insert into bridge.notification
         (integration_id, tenant, notification_id, receiver, type, occurred_at, person_id, is_test, payload)
       select id, tenant, :notification, coalesce(receiver, :nobody), :type, now(), :person, true,
              jsonb_build_object('email', email, 'fields', cast(:fields as jsonb) || name, 'link', platform_url)
         from whom where open
       on conflict (integration_id, notification_id, receiver) do nothing returning id, tenant)
     select coalesce((select id from made), (select n.id from bridge.notification n
              where n.integration_id = :integration and n.notification_id = :notification limit 1)) as id, open,
            pg_notify(:channel, tenant)
       from whom`,
    {
      ...test,
      type: test.type ?? testType,
      notification: `test:${test.command}`,
      nobody: `person:${test.person}`,
      fields: JSON.stringify(test.fields),
      channel: ledgerChannel,
    },
  );
  const [row] = rows;
  if (!row) return { code: 'NOT_FOUND', message: 'testing: there is no such integration' };
  if (!row.open) return { code: 'CHANNEL_OFF', message: 'testing: the integration has no channel, or it is off' };
  return Number(row.id);
}

/**
 * Queues a row again that was skipped or failed; never one that may have been sent, nor one that is too old by now or
 * whose content is gone. The first number is 0 where it was not.
 */
export async function retryRow(
  db: Knex,
  { integration, id }: { readonly integration: string; readonly id: number },
): Promise<null | Refused> {
  const { rows } = await db.raw<{
    rows: {
      state: string;
      code: ErrorCode | null;
      fresh: boolean | null;
      kept: boolean;
      open: boolean;
      queued: boolean;
    }[];
  }>(
    `with row as materialized (
       select n.id, n.tenant, n.state, n.code, n.payload is not null as kept, coalesce(c.enabled, false) as open,
              n.occurred_at > now() - c.max_age_s * interval '1 s' as fresh
         from bridge.notification n left join control.channel c on c.integration_id = n.integration_id
        where n.integration_id = :integration and n.id = :id),
     queued as (
       update bridge.notification n
          set state = 'queued', code = null, attempts = 0, next_at = now(), ended_at = null, lease_token = null
         from row
        where n.id = row.id and n.state in ('skipped', 'failed') and n.code is distinct from 'DELIVERY_UNKNOWN'
          and row.fresh and row.kept and row.open
        returning n.id, pg_notify(:channel, n.tenant))
     select row.*, exists (select from queued) as queued from row`,
    { integration, id, channel: ledgerChannel },
  );
  const [row] = rows;
  if (!row) return { code: 'NOT_FOUND', message: 'retrying: the integration has no such notification' };
  if (row.queued) return null;
  if (row.code === 'DELIVERY_UNKNOWN')
    return { code: 'DELIVERY_UNKNOWN', message: 'retrying: it may have been sent; look into the conversation' };
  if (row.state !== 'skipped' && row.state !== 'failed')
    return { code: 'ACTION_NOT_POSSIBLE', message: `retrying: it is ${row.state}` };
  if (!row.open) return { code: 'CHANNEL_OFF', message: 'retrying: the integration has no channel, or it is off' };
  return { code: 'NOTIFICATION_EXPIRED', message: 'retrying: it is too old to be sent, or what it says is gone' };
}

/** The direct conversation of the channel's sender with a person as the ledger knows it: a former sender's is not theirs. */
export async function readConversation(
  db: Knex,
  { integration, person }: { readonly integration: string; readonly person: string },
): Promise<number | null> {
  const { rows } = await db.raw<{ rows: { conversation_id: string }[] }>(
    `select n.conversation_id from bridge.notification n
       join control.channel c on c.integration_id = n.integration_id and c.sender_id = n.sender_id
      where n.integration_id = :integration and n.person_id = :person and n.conversation_id is not null
      order by n.id desc limit 1`,
    { integration, person },
  );
  return rows[0] ? Number(rows[0].conversation_id) : null;
}
