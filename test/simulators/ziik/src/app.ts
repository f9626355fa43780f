import express, { type ErrorRequestHandler, type Express } from 'express';
import { z } from 'zod';
import { apiRouter } from './api/router.ts';
import type { ApiState } from './api/exchange.ts';
import { chatSimRoutes } from './chat-sim-routes.ts';
import { deleteChats } from './chat/chat-log.ts';
import { publishedKeys } from './login/keys.ts';
import { pageRoutes } from './pages/page-routes.ts';
import { generateOrganisation } from './generate.ts';
import { PauseGate } from './pause.ts';
import { createRandom } from './random.ts';
import { changeKinds, dailyWeights, randomChanges, type ChangeKind, type ChangeMade } from './random-change.ts';
import { countSites, deleteSites } from './state.ts';

const share = z.number().min(0).max(1).optional();
const SiteId = z.union([z.string().regex(/^\d+$/), z.int().positive()]).transform(String);

const NewSite = z.strictObject({
  seed: z.int().default(1),
  units: z.int().min(1).max(100_000).default(40),
  people: z.int().min(0).max(1_000_000).default(1_000),
  name: z.string().min(1).optional(),
  withoutEmail: share,
  sharedEmail: share,
  inactive: share,
  expired: share,
  departments: share,
  equalSiblings: share,
});

const Changes = z.strictObject({
  siteId: SiteId,
  count: z.int().min(1).max(1_000_000).default(1),
  seed: z.int().default(1),
  ratePerSecond: z.number().positive().optional(),
  /** Only these kinds. Default: all, as often as in daily life. */
  kinds: z
    .array(z.enum(changeKinds as [ChangeKind, ...ChangeKind[]]))
    .min(1)
    .optional(),
  /** False: answer 202 at once and go on in the background. */
  wait: z.boolean().default(true),
});

const Faults = z.strictObject({ paused: z.boolean() });
const Reset = z.strictObject({ siteId: SiteId.optional() });

/** Ziik's API and pages, and the `_sim` endpoints beside them. */
export function createApp(state: ApiState, stopping: AbortSignal): Express {
  const { db } = state;
  const gate = new PauseGate();
  stopping.addEventListener('abort', () => gate.set(false));
  const calls: (ChangeMade & { siteId: string; atMs: number })[] = [];
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(express.json({ limit: '1mb' }));
  app.use('/s/:siteId/api', apiRouter(state));
  app.get('/s/:siteId/.well-known/jwks.json', async (req, res) => {
    res.json(await publishedKeys(db, SiteId.parse(req.params.siteId)));
  });
  app.use('/s/:siteId', pageRoutes(state));
  app.use('/_sim', chatSimRoutes(state));

  app.get('/_sim/state', async (_req, res) => {
    res.json({ sites: await countSites(db), paused: gate.paused });
  });
  app.post('/_sim/sites', async (req, res) => {
    const made = await generateOrganisation(db, defined(NewSite.parse(req.body ?? {})));
    res.status(201).json((await countSites(db, made.siteId))[0]);
  });
  app.post('/_sim/changes', async (req, res) => {
    const { siteId, count, seed, ratePerSecond, kinds, wait } = Changes.parse(req.body ?? {});
    const weights = kinds ? Object.fromEntries(kinds.map((kind) => [kind, 1])) : dailyWeights;
    const run = randomChanges(db, siteId, {
      ...defined({ ratePerSecond }),
      random: createRandom(seed),
      count,
      weights,
      signal: stopping,
      gate: () => gate.pass(),
      onChange: (change) => calls.push({ ...change, siteId, atMs: Date.now() }),
    });
    if (!wait) {
      run.catch((error: unknown) => console.error(`changes of site ${siteId}: ${String(error)}`));
      res.status(202).json({ siteId, count });
      return;
    }
    const made = await run;
    res.json({ siteId, made: made.length, kinds: countBy(made) });
  });
  app.post('/_sim/reset', async (req, res) => {
    gate.set(false);
    calls.length = 0;
    const siteId = Reset.parse(req.body ?? {}).siteId ?? null;
    await deleteChats(db, siteId);
    await deleteSites(db, siteId);
    res.status(204).end();
  });
  app.get('/_sim/calls', (_req, res) => void res.json(calls));
  app.get('/_sim/faults', (_req, res) => void res.json({ paused: gate.paused }));
  app.post('/_sim/faults', (req, res) => {
    gate.set(Faults.parse(req.body).paused);
    res.json({ paused: gate.paused });
  });
  app.use(answerError);
  return app;
}

function countBy(made: readonly ChangeMade[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { kind } of made) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

type Defined<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** Drops keys whose value is undefined, as `exactOptionalPropertyTypes` wants it. */
function defined<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as Defined<T>;
}

const answerError: ErrorRequestHandler = (error: unknown, _req, res, _next) => {
  if (error instanceof z.ZodError) {
    res.status(400).json({ error: { code: 'invalid', message: z.prettifyError(error) } });
  } else if (error instanceof SyntaxError) {
    res.status(400).json({ error: { code: 'invalid', message: 'the body is not JSON' } });
  } else if (error instanceof RangeError) {
    res.status(422).json({ error: { code: 'refused', message: error.message } });
  } else {
    console.error(error);
    res.status(500).json({ error: { code: 'unexpected', message: 'see the log' } });
  }
};
