import type { Conversation, Notification } from '@orgstream/control-api';
import type { Knex } from '@orgstream/database';
import { iso } from './sql.ts';

export interface NotificationRow {
  readonly id: string;
  readonly notification_id: string;
  readonly type: string;
  readonly receiver: string;
  readonly person_id: string | null;
  readonly name: string | null;
  readonly state: Notification['state'];
  readonly code: string | null;
  readonly attempts: number;
  readonly is_test: boolean;
  readonly occurred_at: Date;
  readonly received_at: Date;
  readonly next_at: Date;
  readonly ended_at: Date | null;
  readonly language: string | null;
  readonly warnings: readonly string[];
  readonly conversation_id: string | null;
  readonly message_ids: readonly string[];
}

const personName = `nullif(trim(concat_ws(' ', p.first_name, p.last_name)), '') as name`;
const select = /* sql */ `
  select n.id, n.notification_id, n.type, n.receiver, n.person_id, ${personName}, n.state, n.code, n.attempts, n.is_test,
         n.occurred_at, n.received_at, n.next_at, n.ended_at, n.language, n.warnings, n.conversation_id, n.message_ids
    from bridge.notification n
    left join sink.person p on p.tenant = n.tenant and p.id = n.person_id`;

/** Newest first, one more than `limit`. */
export async function listNotificationPage(
  db: Knex,
  options: {
    readonly integration: string;
    readonly state: string | undefined;
    readonly code: string | undefined;
    readonly type: string | undefined;
    readonly receiver: string | undefined;
    readonly person: string | undefined;
    readonly before: string | undefined;
    readonly limit: number;
  },
): Promise<readonly NotificationRow[]> {
  const { rows } = await db.raw<{ rows: NotificationRow[] }>(
    `${select}
      where n.integration_id = :integration
        and (cast(:state as text) is null or n.state = :state)
        and (cast(:code as text) is null or n.code = :code)
        and (cast(:type as text) is null or n.type = :type)
        and (cast(:receiver as text) is null or n.receiver = :receiver)
        and (cast(:person as text) is null or n.person_id = :person)
        and (cast(:before as text) is null or n.id < cast(:before as text)::bigint)
      order by n.id desc limit :limit`,
    {
      integration: options.integration,
      state: options.state ?? null,
      code: options.code ?? null,
      type: options.type ?? null,
      receiver: options.receiver ?? null,
      person: options.person ?? null,
      before: options.before ?? null,
      limit: options.limit + 1,
    },
  );
  return rows;
}

export async function readNotification(db: Knex, integration: string, no: number): Promise<Notification | undefined> {
  const { rows } = await db.raw<{ rows: NotificationRow[] }>(`${select} where n.integration_id = ? and n.id = ?`, [
    integration,
    no,
  ]);
  return rows[0] && toNotification(rows[0]);
}

export function toNotification(row: NotificationRow): Notification {
  return {
    no: Number(row.id),
    id: row.notification_id,
    type: row.type,
    receiver: row.receiver,
    person: row.person_id,
    name: row.name,
    state: row.state,
    code: row.code,
    attempts: row.attempts,
    isTest: row.is_test,
    occurredAt: row.occurred_at.toISOString(),
    receivedAt: row.received_at.toISOString(),
    nextAt: row.ended_at === null ? row.next_at.toISOString() : null,
    endedAt: iso(row.ended_at),
    language: row.language,
    warnings: [...row.warnings],
    conversation: row.conversation_id === null ? null : Number(row.conversation_id),
    messages: row.message_ids.map(Number),
  };
}

export interface ConversationRow {
  readonly person: string;
  readonly name: string | null;
  readonly conversation: string;
  readonly sent: number;
  readonly type: string;
  readonly state: Notification['state'];
  readonly code: string | null;
  readonly at: Date;
}

/** By person, one more than `limit`. */
export async function listConversationPage(
  db: Knex,
  options: { readonly integration: string; readonly after: string | undefined; readonly limit: number },
): Promise<readonly ConversationRow[]> {
  const { rows } = await db.raw<{ rows: ConversationRow[] }>(
    `with people as (
       select person_id, max(id) as last, count(*) filter (where state = 'sent')::int as sent,
              max(conversation_id) filter (where state = 'sent') as conversation
         from bridge.notification
        where integration_id = :integration and person_id is not null
          and (cast(:after as text) is null or person_id > :after)
        group by person_id having count(conversation_id) > 0 order by person_id limit :limit)
     select g.person_id as person, ${personName}, coalesce(g.conversation, n.conversation_id, (
              select max(o.conversation_id) from bridge.notification o
               where o.integration_id = n.integration_id and o.person_id = g.person_id)) as conversation,
            g.sent, n.type, n.state, n.code, coalesce(n.ended_at, n.received_at) as at
       from people g
       join bridge.notification n on n.id = g.last
       left join sink.person p on p.tenant = n.tenant and p.id = n.person_id
      order by g.person_id`,
    { integration: options.integration, after: options.after ?? null, limit: options.limit + 1 },
  );
  return rows;
}

export function toConversation(row: ConversationRow): Conversation {
  return {
    person: row.person,
    name: row.name,
    conversation: Number(row.conversation),
    sent: row.sent,
    lastType: row.type,
    lastState: row.state,
    lastCode: row.code,
    lastAt: row.at.toISOString(),
  };
}
