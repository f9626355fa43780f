import { createHash } from 'node:crypto';
import type { ErrorCode } from '@orgstream/core';
import type { Knex } from '@orgstream/database';
import { goneSql } from '../deliver/receiver-store.ts';
import { quietSql } from '../tenant/quiet.ts';
import type { LedgerRow, Payload } from './row.ts';

/** Whose word counts: the lease of the tenant, and the channel as it was when the session was opened. */
export interface Fence {
  readonly tenant: string;
  readonly token: number;
  readonly channelVersion: number;
  /** A channel that was removed and made again begins with version 1; its password is never the same row. */
  readonly secretId: string;
}

/** A message about to be sent. */
export interface Intent {
  readonly personId: string | null;
  readonly ziikUserId: number;
  /** null: there is none yet, the message makes it. */
  readonly conversationId: number | null;
  readonly afterMessageId: number | null;
  readonly language: string | null;
  /** null: those that the text had when it was written. */
  readonly warnings: readonly string[] | null;
  readonly payload: Payload & { readonly parts: readonly string[] };
}

/**
 * Commits `sending` before the POST, in the one transaction that checks everything that may forbid it: the lease token,
 * the stop button, the integration (enabled, not paused, no shadow), the channel (on, of this version, not quiet), the
 * type's switch, the notification's age, that the receiver has not left, and that nobody else works on the row. What it checks is locked against change
 * until the commit: once a stop or a switch has committed, no send can begin. False: do not send.
 */
export async function beginSend(db: Knex, fence: Fence, row: LedgerRow, intent: Intent): Promise<boolean> {
  const { rows } = await db.raw<{ rows: unknown[] }>(
    `with allowed as materialized (
       select c.max_age_s, c.sender_id, ${quietSql} as quiet
         from bridge.tenant t, control.stop s, control.integration i, control.channel c
        where t.tenant = :tenant and t.lease_token = :token and t.lease_until > now() and not s.stopped
          and i.id = :integration and i.tenant = :tenant and i.enabled and not i.paused and not i.shadow
          and c.integration_id = i.id and c.enabled and c.version = :channelVersion and c.sender_secret_id = :secretId
        for share of t, s, i, c)
     update bridge.notification n
        set state = 'sending', code = null, lease_token = :token, sending_at = now(), person_id = :personId,
            ziik_user_id = :ziikUserId, sender_id = a.sender_id, conversation_id = :conversationId, after_message_id = :afterMessageId,
            language = :language, warnings = coalesce(:warnings, n.warnings), payload = cast(:payload as jsonb), text_hash = :hash
       from allowed a
      where n.id = :id and n.state = 'queued' and (n.is_test or not a.quiet)
        and n.occurred_at > now() - a.max_age_s * interval '1 s'
        and not exists (select from control.notification_setting s
                         where s.integration_id = n.integration_id and s.type = n.type and not s.enabled)
        and not exists (select from sink.erased e where e.tenant = n.tenant and e.person_id in (:personId, :userText))
        and not exists (select from sink.person p where p.tenant = n.tenant and p.id in (:personId, :userText)
                           and p.log_offset >= 0 and ${goneSql})
      returning n.id`,
    {
      ...fence,
      ...intent,
      id: row.id,
      integration: row.integrationId,
      userText: String(intent.ziikUserId),
      warnings: intent.warnings && [...intent.warnings],
      payload: JSON.stringify(intent.payload),
      hash: createHash('sha256').update(intent.payload.parts[0]!).digest(),
    },
  );
  return rows.length > 0;
}

/** How a row goes on after a send, a look, or a failure before either. */
export type Settlement =
  /** A part, or all of it, is in the conversation. */
  | {
      readonly to: 'sent' | 'part_sent';
      readonly messageId: number;
      readonly conversationId: number;
      readonly payload: Payload | null;
    }
  | {
      readonly to: 'queued';
      readonly afterMs: number;
      readonly code: ErrorCode | null;
      readonly burnt: boolean;
      readonly payload?: Payload;
    }
  | { readonly to: 'unknown'; readonly afterMs: number; readonly code: ErrorCode }
  | { readonly to: 'skipped' | 'failed' | 'expired'; readonly code: ErrorCode; readonly personId?: string | null };

/**
 * Writes what became of a row that this process works on. Fenced by the row's own token: of a row that another owner has
 * taken up, only that it was sent is still news. False: it was not ours any more.
 */
export async function settle(
  db: Knex,
  row: { readonly id: number; readonly token: number },
  settlement: Settlement,
): Promise<boolean> {
  const { sql, values } = statementOf(settlement);
  const { rows } = await db.raw<{ rows: unknown[] }>(`${sql} returning n.id`, { ...values, ...row });
  return rows.length > 0;
}

/** Only the owner of the tenant's lease decides, and not about a row that was begun under another lease. */
const ours = `n.id = :id and (n.state in ('queued', 'unknown') or (n.state = 'sending' and n.lease_token = :token))
            and exists (select from bridge.tenant t where t.tenant = n.tenant and t.lease_token = :token)`;

function statementOf(settlement: Settlement): { readonly sql: string; readonly values: Record<string, never> } {
  const of = (sql: string, values: object = {}) => ({ sql, values: values as Record<string, never> });
  switch (settlement.to) {
    case 'sent':
    case 'part_sent': {
      const { to, messageId, conversationId, payload } = settlement;
      return of(
        `update bridge.notification n
            set state = case when :done then 'sent' else 'queued' end, code = null, conversation_id = :conversationId,
                message_ids = message_ids || cast(:messageId as bigint), parts_sent = parts_sent + 1, next_at = now(),
                payload = cast(:payload as jsonb), ended_at = case when :done then now() end
          where n.id = :id and n.state in ('sending', 'unknown') and n.lease_token <= :token
            and not (cast(:messageId as bigint) = any(n.message_ids))`,
        { done: to === 'sent', messageId, conversationId, payload: payload && JSON.stringify(payload) },
      );
    }
    case 'queued': {
      const { afterMs, code, burnt, payload } = settlement;
      return of(
        `update bridge.notification n
            set state = 'queued', code = :code, attempts = attempts + :burnt, next_at = now() + :afterMs * interval '1 ms',
                payload = coalesce(cast(:payload as jsonb), payload)
          where ${ours}`,
        { afterMs, code, burnt: burnt ? 1 : 0, payload: payload ? JSON.stringify(payload) : null },
      );
    }
    case 'unknown':
      return of(
        `update bridge.notification n
            set state = 'unknown', code = :code, next_at = now() + :afterMs * interval '1 ms'
          where n.id = :id and n.lease_token <= :token and n.state in ('sending', 'unknown')`,
        { afterMs: settlement.afterMs, code: settlement.code },
      );
    case 'skipped':
    case 'failed':
    case 'expired':
      return of(
        `update bridge.notification n
            set state = :to, code = :code, ended_at = now(), person_id = coalesce(:personId, person_id),
                payload = case when :to = 'expired' then null else payload end
          where ${ours}`,
        { to: settlement.to, code: settlement.code, personId: settlement.personId ?? null },
      );
  }
}
