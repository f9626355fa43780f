/** What a notification says. Personal data: gone once it is sent or too old. */
export interface Payload {
  readonly email: string | null;
  readonly fields: Readonly<Record<string, string>>;
  readonly link: string | null;
  /** The message as it is sent, in as many parts as Ziik wants; the first is next. Absent until it was written. */
  readonly parts?: readonly string[];
}

/** States of a row that has not ended. */
type OpenState = 'queued' | 'sending' | 'unknown';

/** A row of the ledger that has not ended. */
export interface LedgerRow {
  readonly id: number;
  readonly integrationId: string;
  readonly notificationId: string;
  readonly receiver: string;
  readonly type: string;
  readonly occurredAtMs: number;
  readonly state: OpenState;
  /** Of an `unknown` row: what ended the send. */
  readonly code: string | null;
  /** Sends that left no trace. */
  readonly attempts: number;
  readonly payload: Payload | null;
  /** Source id; of a test it says who is to get it. */
  readonly personId: string | null;
  readonly ziikUserId: number | null;
  readonly conversationId: number | null;
  /** Who posted it, or tried to: only that user sees whether it is there. */
  readonly senderId: number | null;
  /** Newest message before the POST. */
  readonly afterMessageId: number | null;
  readonly partsSent: number;
  readonly language: string | null;
  readonly isTest: boolean;
}

export interface RawRow {
  readonly id: string;
  readonly integration_id: string;
  readonly notification_id: string;
  readonly receiver: string;
  readonly type: string;
  readonly occurred_ms: string;
  readonly state: OpenState;
  readonly code: string | null;
  readonly attempts: number;
  readonly payload: Payload | null;
  readonly person_id: string | null;
  readonly ziik_user_id: string | null;
  readonly conversation_id: string | null;
  readonly sender_id: string | null;
  readonly after_message_id: string | null;
  readonly parts_sent: number;
  readonly language: string | null;
  readonly is_test: boolean;
}

/** Columns of {@link RawRow}, of a row `n`. */
export const rowColumns = `n.id, n.integration_id, n.notification_id, n.receiver, n.type,
  extract(epoch from n.occurred_at) * 1000 as occurred_ms, n.state, n.code, n.attempts, n.payload, n.person_id,
  n.ziik_user_id, n.conversation_id, n.sender_id, n.after_message_id, n.parts_sent, n.language, n.is_test`;

export function toRow(raw: RawRow): LedgerRow {
  return {
    id: Number(raw.id),
    integrationId: raw.integration_id,
    notificationId: raw.notification_id,
    receiver: raw.receiver,
    type: raw.type,
    occurredAtMs: Number(raw.occurred_ms),
    state: raw.state,
    code: raw.code,
    attempts: raw.attempts,
    payload: raw.payload,
    personId: raw.person_id,
    ziikUserId: numberOf(raw.ziik_user_id),
    conversationId: numberOf(raw.conversation_id),
    senderId: numberOf(raw.sender_id),
    afterMessageId: numberOf(raw.after_message_id),
    partsSent: raw.parts_sent,
    language: raw.language,
    isTest: raw.is_test,
  };
}

function numberOf(id: string | null): number | null {
  return id === null ? null : Number(id);
}
