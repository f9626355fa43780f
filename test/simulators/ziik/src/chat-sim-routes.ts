import { Router } from 'express';
import { z } from 'zod';
import { apiLogRoutes } from './api-log-routes.ts';
import type { ApiState } from './api/exchange.ts';
import { changeSettings, revokeTokens, SettingsChange } from './api/settings.ts';
import { chatLog, chatSummary } from './chat/chat-log.ts';
import { addMessage } from './chat/message-store.ts';
import { openDirect } from './chat/conversation-store.ts';
import { loginSimRoutes } from './login-sim-routes.ts';

const Id = z.union([z.string().regex(/^\d+$/), z.int().positive()]).transform(String);
const ApiUser = z.strictObject({ siteId: Id, userId: Id, password: z.string().min(1) });
const Settings = SettingsChange.extend({ siteId: Id, revokeTokens: z.boolean().default(false) });
/** Into a conversation, or to a person: the direct one is opened then. */
const Reply = z.strictObject({
  siteId: Id,
  conversationId: Id.optional(),
  to: Id.optional(),
  userId: Id,
  message: z.string().min(1),
});
const Clock = z.union([
  z.strictObject({ nowMs: z.number(), frozen: z.boolean().default(false) }),
  z.strictObject({ advanceMs: z.number() }),
  z.strictObject({ real: z.literal(true) }),
]);

/** The `_sim` endpoints of API, chat and login. */
export function chatSimRoutes(state: ApiState): Router {
  const { db, clock } = state;
  const router = Router();
  router.post('/api-users', async (req, res) => {
    const { siteId, userId, password } = ApiUser.parse(req.body);
    await db.query(
      `insert into ziik_chat.login (site_id, user_id, password) values ($1, $2, $3)
       on conflict (site_id, user_id) do update set password = excluded.password`,
      [siteId, userId, password],
    );
    res.json({ siteId, userId, baseUrl: `${state.url()}/s/${siteId}/api` });
  });
  router.post('/settings', async (req, res) => {
    const { siteId, revokeTokens: revoke, ...change } = Settings.parse(req.body);
    if (revoke) await revokeTokens(db, siteId, clock.now());
    state.rates.clear();
    res.json(await changeSettings(db, siteId, change));
  });
  router.get('/chat', async (req, res) => {
    const siteId = Id.parse(req.query['siteId']);
    if (req.query['summary'] !== undefined) return void res.json(await chatSummary(db, siteId));
    const userId = req.query['userId'] === undefined ? null : Id.parse(req.query['userId']);
    res.json({ conversations: await chatLog(db, siteId, userId) });
  });
  router.post('/reply', async (req, res) => res.status(201).json(await reply(state, Reply.parse(req.body))));
  router.put('/clock', (req, res) => {
    const wanted = Clock.parse(req.body);
    if ('real' in wanted) clock.reset();
    else if ('advanceMs' in wanted) clock.advance(wanted.advanceMs);
    else clock.set(wanted.nowMs, wanted.frozen);
    res.json({ nowMs: clock.now() });
  });
  loginSimRoutes(router, state);
  apiLogRoutes(router, state);
  return router;
}

async function reply(
  { db, clock }: ApiState,
  { siteId, userId, to, message, ...wanted }: z.infer<typeof Reply>,
): Promise<unknown> {
  const nowMs = clock.now();
  const opened = wanted.conversationId ?? (to && (await openDirect(db, { siteId, from: userId, to, nowMs })));
  const row = opened && (await addMessage(db, { siteId, conversationId: opened, authorId: userId, message, nowMs }));
  if (!row) throw new RangeError('that person is in no such conversation');
  return { id: Number(row.id), conversationId: Number(row.conversationId) };
}
