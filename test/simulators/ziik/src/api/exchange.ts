import {
  send,
  strike,
  createdId,
  type Answer,
  type CallLog,
  type Faults,
  type RateLimit,
  type SimClock,
} from '@orgstream/simulator-kit';
import type { Request, Response } from 'express';
import type pg from 'pg';
import { one, type Db } from '../db.ts';
import { ApiError, errorBody, notFound } from './api-error.ts';
import type { ApiCall, ApiRoute, Site } from './call.ts';
import { SiteSettings } from './settings.ts';
import type { TokenClaims, Tokens } from './tokens.ts';

/** What the API holds besides the database. */
export interface ApiState {
  readonly db: pg.Pool;
  readonly tokens: Tokens;
  readonly clock: SimClock;
  readonly calls: CallLog<'siteId'>;
  readonly faults: Faults;
  /** One a token. */
  readonly rates: Map<string, RateLimit>;
  readonly newRate: () => RateLimit;
  /** `http://127.0.0.1:1234` */
  readonly url: () => string;
}

/** Answers one call: fault, token, rate, work, log. */
export async function handle(state: ApiState, route: ApiRoute, req: Request, res: Response): Promise<void> {
  const startedAt = performance.now();
  const atMs = Date.now();
  const params = req.params as Record<string, string | undefined>;
  const siteId = params['siteId'] ?? '';
  const input = { ...(req.query as object), ...(req.body as object | undefined) };
  const id = Number(params['id'] ?? Number.NaN);
  const objectId = Number.isNaN(id) ? null : id;
  const method = route.method.toUpperCase();
  const facts = { scope: siteId, method, route: route.path, objectId, body: req.body as unknown, query: req.query };
  const fault = state.faults.strike(facts);
  const log = (status: number, body?: unknown) => {
    state.calls.add({
      siteId,
      method,
      route: route.path,
      path: req.path,
      status,
      objectId: objectId ?? createdId(body),
      atMs,
      durationMs: performance.now() - startedAt,
      // Credentials stay out even of a simulator's log.
      ...(route.open || req.body === undefined ? {} : { body: req.body as unknown }),
      ...(fault ? { fault: fault.kind } : {}),
    });
  };
  const workIn = (db: Db) => answerOf(state, route, req, { db, params, input });
  const work = () => workIn(state.db);
  if (!fault) send(res, await work(), log);
  else await strike({ fault, res, work, lie: () => lie(state.db, workIn), log, refusal });
}

const refusal = (code: string) => errorBody(code, 'Injected by the simulator');

async function answerOf(
  state: ApiState,
  route: ApiRoute,
  req: Request,
  { db, params, input }: Pick<ApiCall, 'db' | 'params' | 'input'>,
): Promise<Answer> {
  try {
    const nowMs = state.clock.now();
    const claims = route.open ? null : read(state, req, nowMs);
    const { site, actor } = await admit(db, params['siteId'] ?? '', claims);
    if (claims) checkRate(state, claims, site, nowMs);
    const siteUrl = `${state.url()}/s/${site.id}`;
    return await route.run({ db, site, actor, siteUrl, nowMs, tokens: state.tokens, params, input });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return { status: error.status, body: error.body(), retryAfterS: error.retryAfterS };
  }
}

function read(state: ApiState, req: Request, nowMs: number): TokenClaims {
  const [scheme, token] = (req.headers.authorization ?? '').split(' ');
  const claims = scheme === 'Bearer' && token !== undefined ? state.tokens.read(token, nowMs) : null;
  if (!claims || claims.site !== req.params['siteId']) throw invalidToken();
  return claims;
}

const invalidToken = () => new ApiError(401, 'invalid_token', 'The token is missing, unknown or expired');

/** Site and caller in one question to the database: it is asked with every call. */
async function admit(db: Db, siteId: string, claims: TokenClaims | null): Promise<Pick<ApiCall, 'site' | 'actor'>> {
  if (!/^\d{1,18}$/.test(siteId)) throw notFound('site');
  const row = await one<Omit<Site, 'settings'> & { settings: unknown; admin: boolean | null; revoked: boolean }>(
    db,
    `select s.id, s.identifier, coalesce(s.name, '') as name, s.default_language as "defaultLanguage",
       coalesce(c.settings, '{}') as settings, coalesce(c.tokens_from_ms, 0) > $3 as revoked,
       (select admin from users u where u.site_id = s.id and u.id = $2 and u.active and u.deleted_at is null
          and u.anonymised_at is null and coalesce(u.expires_at > now(), true)) as admin
     from sites s left join ziik_chat.site c on c.site_id = s.id where s.id = $1`,
    [siteId, claims?.sub ?? null, claims?.iatMs ?? 0],
  );
  if (!row) throw notFound('site');
  if (claims && (row.admin === null || row.revoked)) throw invalidToken();
  const { settings, admin, revoked: _, ...site } = row;
  return {
    site: { ...site, settings: SiteSettings.parse(settings) },
    actor: { id: claims?.sub ?? '0', admin: admin === true },
  };
}

function checkRate(state: ApiState, { jti }: TokenClaims, { settings }: Site, nowMs: number): void {
  const rate = state.rates.get(jti) ?? state.newRate();
  state.rates.set(jti, rate);
  const waitS = rate.check(nowMs, settings.rateLimitPerMinute);
  if (waitS !== null) throw new ApiError(429, 'too_many_requests', 'Too many requests', { retryAfterS: waitS });
}

/** The answer of work that is taken back, with other ids and texts in it. */
async function lie(pool: pg.Pool, work: (db: Db) => Promise<Answer>): Promise<Answer> {
  const client = await pool.connect();
  try {
    await client.query('begin');
    const answer = await work(client);
    return { ...answer, body: distort(answer.body) };
  } finally {
    await client.query('rollback').catch(() => undefined);
    client.release();
  }
}

function distort(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) return value.map((item) => distort(item, key));
  if (typeof value === 'object' && value !== null) {
    if (key === 'meta' || key === 'links') return value;
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, distort(inner, name)]));
  }
  if (key === 'id' || key === 'conversationId') return Number(value) + 1_000_000;
  if (['message', 'name', 'first_name', 'last_name', 'email'].includes(key)) return `${String(value)} (other)`;
  return value;
}
