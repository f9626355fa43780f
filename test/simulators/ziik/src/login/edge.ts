import { z } from 'zod';
import { changeSettings } from '../api/settings.ts';
import { one, type Db, type IdLike } from '../db.ts';

/** Where a site's pages find the edge, and which integrations they offer. */
export const EdgeConfig = z.strictObject({
  edgeUrl: z.url(),
  integrations: z.array(z.strictObject({ id: z.string().min(1), platformUrl: z.url() })),
});
export type EdgeConfig = z.infer<typeof EdgeConfig>;

/** Remembers it for a site. */
export async function setEdge(db: Db, siteId: IdLike, edge: EdgeConfig): Promise<void> {
  await changeSettings(db, siteId, {});
  await db.query('update ziik_chat.site set edge = $2 where site_id = $1', [siteId, JSON.stringify(edge)]);
}

/** What was set; null when nothing was. */
export async function edgeOf(db: Db, siteId: IdLike): Promise<EdgeConfig | null> {
  const row = await one<{ edge: EdgeConfig | null }>(db, 'select edge from ziik_chat.site where site_id = $1', [
    siteId,
  ]);
  return row?.edge ?? null;
}
