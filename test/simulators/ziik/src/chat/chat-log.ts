import { one, type Db, type Id, type IdLike } from '../db.ts';

/** What was said in one conversation. */
export interface LoggedConversation {
  readonly id: number;
  readonly type: 'direct' | 'group';
  readonly participants: readonly number[];
  readonly messages: readonly {
    readonly id: number;
    readonly authorId: number;
    readonly message: string;
    readonly atMs: number;
    readonly deleted: boolean;
  }[];
}

/** Every conversation of a site, or one person's, with all that was said. */
export async function chatLog(db: Db, siteId: IdLike, userId: IdLike | null): Promise<LoggedConversation[]> {
  const { rows } = await db.query<LoggedConversation>(
    `select c.id::float8 as id, case when c.is_group then 'group' else 'direct' end as type,
       (select json_agg(p.user_id order by p.user_id) from ziik_chat.participant p where p.conversation_id = c.id) as participants,
       coalesce((select json_agg(json_build_object('id', m.id, 'authorId', m.author_id, 'message', m.message,
           'atMs', m.at_ms, 'deleted', m.deleted) order by m.id)
         from ziik_chat.message m where m.conversation_id = c.id), '[]') as messages
     from ziik_chat.conversation c where c.site_id = $1 and ($2::bigint is null or exists (
       select from ziik_chat.participant p where p.conversation_id = c.id and p.user_id = $2)) order by c.id`,
    [siteId, userId],
  );
  return rows;
}

/** Counts, for 10,000 conversations and more. `repeated`: messages that say again what their author said there before. */
export interface ChatSummary {
  readonly conversations: number;
  readonly groups: number;
  readonly messages: number;
  readonly repeated: number;
}

/** The counts of a site's chat. */
export async function chatSummary(db: Db, siteId: IdLike): Promise<ChatSummary> {
  const row = await one<ChatSummary>(
    db,
    `select (select count(*)::int from ziik_chat.conversation where site_id = $1) as conversations,
       (select count(*)::int from ziik_chat.conversation where site_id = $1 and is_group) as groups,
       count(m.id)::int as messages,
       (count(m.id) - count(distinct (m.conversation_id, m.author_id, m.message)) filter (where m.id is not null))::int as repeated
     from ziik_chat.message m join ziik_chat.conversation c on c.id = m.conversation_id where c.site_id = $1`,
    [siteId],
  );
  return row ?? { conversations: 0, groups: 0, messages: 0, repeated: 0 };
}

/** Forgets what was said, and what was set, of one site or of all. Keys too. */
export async function deleteChats(db: Db, siteId: Id | null): Promise<void> {
  for (const table of ['conversation', 'login', 'signing_key', 'site']) {
    await db.query(`delete from ziik_chat.${table} where $1::bigint is null or site_id = $1`, [siteId]);
  }
}
