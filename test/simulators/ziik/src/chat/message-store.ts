import { all, one, type Db, type Id } from '../db.ts';

/** A message as it is kept. */
export interface MessageRow {
  readonly id: Id;
  readonly conversationId: Id;
  readonly authorId: Id;
  readonly message: string;
  readonly atMs: number;
  readonly deleted: boolean;
}

const columns = `id, conversation_id as "conversationId", author_id as "authorId", message, at_ms::float8 as "atMs", deleted`;

/** Adds a message; null when the author is not in that conversation. */
export async function addMessage(
  db: Db,
  said: { siteId: Id; conversationId: Id; authorId: Id; message: string; nowMs: number },
): Promise<MessageRow | null> {
  const row = await one<MessageRow>(
    db,
    `insert into ziik_chat.message (conversation_id, author_id, message, at_ms)
     select conversation_id, user_id, $4, $5 from ziik_chat.participant
     where site_id = $1 and conversation_id = $2 and user_id = $3 returning ${columns}`,
    [said.siteId, said.conversationId, said.authorId, said.message, said.nowMs],
  );
  return row ?? null;
}

/** One page of a conversation, up to a message where told. */
export async function messagesOf(
  db: Db,
  wanted: { conversationId: Id; upTo?: Id | undefined; order: 'asc' | 'desc'; limit: number; offset: number },
): Promise<{ messages: MessageRow[]; total: number }> {
  const where = 'conversation_id = $1 and ($2::bigint is null or id <= $2::bigint)';
  const values = [wanted.conversationId, wanted.upTo ?? null];
  const counted = await one<{ total: number }>(
    db,
    `select count(*)::int as total from ziik_chat.message where ${where}`,
    values,
  );
  const rows = await all<MessageRow>(
    db,
    `select ${columns} from ziik_chat.message where ${where} order by id ${wanted.order} limit $3 offset $4`,
    [...values, wanted.limit, wanted.offset],
  );
  return { messages: rows, total: counted?.total ?? 0 };
}

/** One message of a conversation. */
export async function messageOf(db: Db, conversationId: Id, id: Id): Promise<MessageRow | undefined> {
  return one<MessageRow>(db, `select ${columns} from ziik_chat.message where conversation_id = $1 and id = $2`, [
    conversationId,
    id,
  ]);
}

/** Soft deletion: the message stays, its text is shown to nobody. */
export async function deleteMessage(db: Db, conversationId: Id, id: Id): Promise<void> {
  await db.query('update ziik_chat.message set deleted = true where conversation_id = $1 and id = $2', [
    conversationId,
    id,
  ]);
}

/** A participant has seen all there is. */
export async function markSeen(db: Db, conversationId: Id, userId: Id): Promise<void> {
  await db.query(
    `update ziik_chat.participant set seen_message_id =
       coalesce((select max(id) from ziik_chat.message where conversation_id = $1), 0)
     where conversation_id = $1 and user_id = $2`,
    [conversationId, userId],
  );
}
