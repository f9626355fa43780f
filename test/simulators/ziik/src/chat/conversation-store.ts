import { all, one, type Db, type Id } from '../db.ts';
import type { MessageRow } from './message-store.ts';

/** A conversation as one of its participants sees it. */
export interface ConversationRow {
  readonly id: Id;
  readonly isGroup: boolean;
  readonly title: string | null;
  readonly madeAtMs: number;
  readonly unread: number;
  readonly latest: MessageRow | null;
  readonly participants: readonly { readonly id: Id; readonly isAdmin: boolean }[];
}

/** The one direct conversation of two people; made when there is none, also when both ask at once. */
export async function openDirect(
  db: Db,
  { siteId, from, to, nowMs }: { siteId: Id; from: Id; to: Id; nowMs: number },
): Promise<Id> {
  const row = await one<{ id: Id }>(
    db,
    `with opened as (
       insert into ziik_chat.conversation as c (site_id, is_group, direct_key, made_at_ms)
       values ($1, false, least($2::bigint, $3::bigint) || ':' || greatest($2::bigint, $3::bigint), $4)
       on conflict (site_id, direct_key) do update set direct_key = c.direct_key returning id
     ), joined as (
       insert into ziik_chat.participant (conversation_id, user_id, site_id)
       select id, unnest(array[$2::bigint, $3::bigint]), $1 from opened on conflict do nothing
     ) select id from opened`,
    [siteId, from, to, nowMs],
  );
  return row?.id ?? '';
}

/** A new group; who makes it administers it. */
export async function openGroup(
  db: Db,
  { siteId, from, to, nowMs }: { siteId: Id; from: Id; to: readonly Id[]; nowMs: number },
): Promise<Id> {
  const row = await one<{ id: Id }>(
    db,
    `with opened as (
       insert into ziik_chat.conversation (site_id, is_group, made_at_ms) values ($1, true, $4) returning id
     ), joined as (
       insert into ziik_chat.participant (conversation_id, user_id, site_id, is_admin)
       select id, person, $1, person = $2 from opened, unnest(array[$2::bigint] || $3::bigint[]) as person
       on conflict do nothing
     ) select id from opened`,
    [siteId, from, to, nowMs],
  );
  return row?.id ?? '';
}

const shown = `c.id, c.is_group as "isGroup", c.title, c.made_at_ms::float8 as "madeAtMs",
  (select count(*)::int from ziik_chat.message m where m.conversation_id = c.id and m.id > p.seen_message_id
     and m.author_id <> p.user_id and not m.deleted) as unread,
  (select json_build_object('id', m.id::text, 'conversationId', c.id::text, 'authorId', m.author_id::text,
     'message', m.message, 'atMs', m.at_ms, 'deleted', m.deleted)
     from ziik_chat.message m where m.conversation_id = c.id order by m.id desc limit 1) as latest,
  (select json_agg(json_build_object('id', o.user_id::text, 'isAdmin', o.is_admin) order by o.user_id)
     from ziik_chat.participant o where o.conversation_id = c.id) as participants`;

/** A participant's conversations by id; with `withUser`, the direct one with that person, if there is one. */
export async function conversationsOf(
  db: Db,
  wanted: {
    siteId: Id;
    userId: Id;
    withUser?: Id | undefined;
    order?: 'asc' | 'desc';
    limit: number;
    offset: number;
  },
): Promise<{ conversations: ConversationRow[]; total: number }> {
  const { siteId, userId, withUser } = wanted;
  const values: unknown[] = [siteId, userId, wanted.limit, wanted.offset];
  const direct = `and c.direct_key = least($2::bigint, $5::bigint) || ':' || greatest($2::bigint, $5::bigint)`;
  const rows = await all<ConversationRow & { total: number }>(
    db,
    `select ${shown}, count(*) over ()::int as total
     from ziik_chat.participant p join ziik_chat.conversation c on c.id = p.conversation_id
     where p.site_id = $1 and c.site_id = $1 and p.user_id = $2 ${withUser === undefined ? '' : direct}
     order by c.id ${wanted.order ?? 'asc'} limit $3 offset $4`,
    withUser === undefined ? values : [...values, withUser],
  );
  return { conversations: rows, total: rows[0]?.total ?? 0 };
}

/** One conversation; undefined when the person is in no such one. */
export async function conversationOf(
  db: Db,
  { siteId, userId, id }: { siteId: Id; userId: Id; id: Id },
): Promise<ConversationRow | undefined> {
  return one<ConversationRow>(
    db,
    `select ${shown} from ziik_chat.participant p join ziik_chat.conversation c on c.id = p.conversation_id
     where c.site_id = $1 and p.user_id = $2 and c.id = $3`,
    [siteId, userId, id],
  );
}

/** True when the site has this conversation, whoever is in it. */
export async function conversationExists(db: Db, siteId: Id, id: Id): Promise<boolean> {
  const found = await one(db, 'select from ziik_chat.conversation where site_id = $1 and id = $2', [siteId, id]);
  return found !== undefined;
}
