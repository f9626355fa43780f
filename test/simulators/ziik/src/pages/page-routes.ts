import express, { Router, type Request, type Response } from 'express';
import { z } from 'zod';
import type { ApiState } from '../api/exchange.ts';
import { usersById } from '../api/user-store.ts';
import { addMessage, markSeen } from '../chat/message-store.ts';
import { one, type Id } from '../db.ts';
import { signAssertion } from '../login/assertions.ts';
import { edgeOf } from '../login/edge.ts';
import { chatPage } from './chat-page.ts';
import { address, appPage, menuPage, plainPage, type Viewer } from './frame.ts';
import { menuOf, trimmed } from './shortcuts.ts';

const Id = z.string().regex(/^\d{1,18}$/);
const Open = z.object({ user: Id, integration: z.string(), to: z.string().optional() });

/** The pages a browser opens, below `/s/:siteId`. `?user=` says who sits there: a simulated Ziik has no log-in form. */
export function pageRoutes(state: ApiState): Router {
  const router = Router({ mergeParams: true });
  router.use(['/menu', '/app', '/chat', '/open'], (_req, res, next) => {
    res.set({ 'Cache-Control': 'no-store', 'Referrer-Policy': 'no-referrer' });
    next();
  });
  for (const [path, render] of [
    ['/menu', menuPage],
    ['/app', appPage],
  ] as const) {
    router.get(path, async (req, res) => {
      const viewer = await viewerOf(state, req);
      if (viewer) res.send(render(viewer));
      else notThere(res);
    });
  }
  router.get('/chat', (req, res) => showChat(state, req, res));
  router.post('/chat', express.urlencoded({ extended: false }), (req, res) => say(state, req, res));
  router.get('/open', (req, res) => openLearningbank(state, req, res));
  return router;
}

function notThere(res: Response): void {
  res.status(404).send(plainPage('Ziik', 'There is no such page.'));
}

async function showChat(state: ApiState, req: Request, res: Response): Promise<void> {
  const viewer = await viewerOf(state, req);
  if (!viewer) return notThere(res);
  const conversationId = Id.safeParse(req.query['conversation']).data ?? null;
  if (conversationId !== null) await markSeen(state.db, conversationId, viewer.user.id);
  res.send(await chatPage(state.db, viewer, { conversationId, edge: await edgeOf(state.db, viewer.siteId) }));
}

async function say(state: ApiState, req: Request, res: Response): Promise<void> {
  const viewer = await viewerOf(state, req);
  const { message } = z.object({ message: z.string().trim().min(1) }).parse(req.body);
  const conversationId = Id.parse(req.query['conversation']);
  const said = { conversationId, message, nowMs: state.clock.now() };
  const row = viewer && (await addMessage(state.db, { siteId: viewer.siteId, authorId: viewer.user.id, ...said }));
  if (!row) return notThere(res);
  res.redirect(303, `${address(viewer, 'chat')}&conversation=${conversationId}`);
}

/** Signs, and sends the browser to the edge. */
async function openLearningbank({ db, clock, url }: ApiState, req: Request, res: Response): Promise<void> {
  const { user, integration, to } = Open.parse(req.query);
  const siteId = Id.parse(siteOf(req));
  const edge = await edgeOf(db, siteId);
  if (!edge?.integrations.some(({ id }) => id === integration)) return notThere(res);
  const signed = { issuer: `${url()}/s/${siteId}`, nowMs: clock.now() };
  const assertion = await signAssertion(db, { siteId, userId: user, aud: integration }, signed);
  const query = new URLSearchParams({ assertion, ...(to === undefined ? {} : { to }) });
  res.redirect(302, `${trimmed(edge.edgeUrl)}/login/${encodeURIComponent(integration)}?${query.toString()}`);
}

function siteOf(req: Request): Id {
  return (req.params as Record<string, string | undefined>)['siteId'] ?? '';
}

/** Whoever the site knows: a page may be open for longer than the person is there. */
async function viewerOf(state: ApiState, req: Request): Promise<Viewer | null> {
  const siteId = Id.safeParse(siteOf(req)).data;
  const userId = Id.safeParse(req.query['user']).data;
  if (siteId === undefined || userId === undefined) return null;
  const site = await one<{ name: string | null }>(state.db, 'select name from sites where id = $1', [siteId]);
  const user = (await usersById(state.db, siteId, [userId])).get(userId);
  if (!site || !user) return null;
  return { siteId, siteName: site.name ?? 'Ziik', user, menu: await menuOf(state, siteId, userId) };
}
