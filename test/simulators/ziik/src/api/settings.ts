import { z } from 'zod';
import { one, type Db, type IdLike } from '../db.ts';

/** How one site's Ziik behaves; `POST /_sim/settings` changes it. */
export const SiteSettings = z.strictObject({
  /** The module; off = every call about conversations is a 403 `module_disabled`. */
  chat: z.boolean().default(true),
  /** `old`: a conversation is made with its first message, types are numbers. `new`: made alone, types are words. */
  conversations: z.enum(['old', 'new']).default('new'),
  /** What /authenticate and /renew answer: an object, or an array with one. */
  tokenAnswer: z.enum(['object', 'array']).default('object'),
  tokenTtlS: z.number().positive().default(3_600),
  /** Calls a minute and token; 0 = no limit. */
  rateLimitPerMinute: z.int().min(0).default(120),
  /** Characters; longer messages are a 422. 0 = no limit. */
  messageMaxLength: z.int().min(0).default(0),
  /** Order of a conversation's messages; undocumented. */
  messageOrder: z.enum(['asc', 'desc']).default('asc'),
  /** `[]` where other languages have `{}`: PHP's empty array. */
  emptyObjects: z.enum(['array', 'object']).default('array'),
  /** How a unit names its parent: the object, or `parent_id` alone. */
  parents: z.enum(['object', 'id']).default('object'),
});
export type SiteSettings = z.infer<typeof SiteSettings>;

/** Settings as they are sent: those to be changed. */
export const SettingsChange = SiteSettings.partial();

/** Changes what is given, and answers all of it. RangeError when there is no such site. */
export async function changeSettings(
  db: Db,
  siteId: IdLike,
  change: z.infer<typeof SettingsChange>,
): Promise<SiteSettings> {
  const row = await one<{ settings: unknown }>(
    db,
    `insert into ziik_chat.site as s (site_id, settings) select id, $2 from sites where id = $1
     on conflict (site_id) do update set settings = s.settings || excluded.settings returning settings`,
    [siteId, JSON.stringify(change)],
  );
  if (!row) throw new RangeError(`site ${siteId} does not exist`);
  return SiteSettings.parse(row.settings);
}

/** Ends every token that was given so far. */
export async function revokeTokens(db: Db, siteId: IdLike, nowMs: number): Promise<void> {
  await changeSettings(db, siteId, {});
  await db.query('update ziik_chat.site set tokens_from_ms = $2 where site_id = $1', [siteId, nowMs]);
}
