import { AppError, isAppError, type ErrorCode } from '@orgstream/core';
import { postgresError } from '@orgstream/database';
import { createIssuers, forgetJtis } from '@orgstream/identity';
import { sleep } from '@orgstream/runtime';
import { Router, type Request, type RequestHandler, type Response } from 'express';
import type { Deps, Part } from '../deps.ts';
import type { EdgeMetrics } from '../metrics.ts';
import { admit, identify, type Gate, type Visit } from './admit.ts';
import { readDoor, readStanding, type Door } from './door-store.ts';
import { forgetEvents, insertEvent, type LoginEvent } from './event-store.ts';
import { createJustInTime } from './just-in-time.ts';
import { createLimits, type Limits } from './limits.ts';
import { contentSecurityPolicy, languageOf, renderPage } from './page.ts';
import { isTrouble, statusOf } from './page-texts.ts';
import { shortcutsOf, type Shortcut } from './shortcuts.ts';
import { createWays } from './ways.ts';

/** Everything that Learningbank is asked for one login, together. */
const platformMs = 10_000;
/** Used assertions and old events are forgotten this often. */
const forgetMs = 60_000;

interface Context {
  readonly deps: Deps;
  readonly gate: Gate;
  readonly limits: Limits;
  readonly metrics: EdgeMetrics;
}

/** Logins and shortcuts. */
export function createLogin(deps: Deps, metrics: EdgeMetrics): Part {
  const { config, db } = deps;
  const limits = createLimits({
    perAddress: config.EDGE_REQUESTS_PER_MINUTE,
    perPerson: config.EDGE_LOGINS_PER_PERSON,
  });
  const gate: Gate = {
    db,
    platformMs,
    issuers: createIssuers({ db }),
    justInTime: createJustInTime({ db, waitMs: config.EDGE_JUST_IN_TIME_MS }),
    countPerson: limits.countPerson,
    wayOf: createWays({
      db,
      secrets: deps.secrets,
      callTimeoutMs: config.EDGE_CALL_TIMEOUT_MS,
      callsPerMinute: config.EDGE_PLATFORM_CALLS_PER_MINUTE,
      onCall: metrics.callFinished,
    }),
  };
  const context: Context = { deps, gate, limits, metrics };
  const router = Router();
  router.get('/login/:integration', noLookAhead, logIn(context));
  router.get('/shortcuts/:integration', noLookAhead, showShortcuts(context));
  router.all('/login/:integration', (request, response) => refuse(request, response, 'METHOD_NOT_ALLOWED', null));
  router.all('/shortcuts/:integration', (_request, response) => answer(response, 'METHOD_NOT_ALLOWED'));
  return { router, run: (signal) => forget(deps, signal) };
}

/**
 * An assertion is good once: a look ahead (HEAD, a browser that prefetches) must not use it up. Express answers HEAD by
 * the route of GET.
 */
const noLookAhead: RequestHandler = (request, response, next) => {
  const purpose = String(request.headers['sec-purpose'] ?? request.headers['purpose'] ?? '');
  if (request.method !== 'GET') return void response.status(405).set('allow', 'GET').end();
  if (purpose.includes('prefetch')) return void response.status(503).end();
  next();
};

function logIn(context: Context): RequestHandler {
  return async (request, response) => {
    const { assertion, to } = request.query;
    const visited = await visit(context, request, 'login', async (door, visit) => {
      if (typeof assertion !== 'string') throw new AppError('ASSERTION_INVALID', 'logging in: there is no assertion');
      return admit(context.gate, door, { assertion, to, visit });
    });
    if ('value' in visited) {
      // Not `redirect`, which writes the link into a body too.
      response.status(302).set('location', visited.value).end();
      return;
    }
    if (visited.waitMs !== undefined) response.set('retry-after', String(Math.ceil(visited.waitMs / 1_000)));
    refuse(request, response, visited.code, visited.language);
  };
}

function showShortcuts(context: Context): RequestHandler {
  const { gate, deps } = context;
  return async (request, response) => {
    const visited = await visit(context, request, 'shortcuts', async (door, visit): Promise<readonly Shortcut[]> => {
      const assertion = /^Bearer +([\w.-]+) *$/i.exec(request.headers.authorization ?? '')?.[1];
      if (assertion === undefined) throw new AppError('ASSERTION_INVALID', 'looking at shortcuts: no assertion');
      const { sub, issuer } = await identify(gate, door, assertion, visit);
      const standing = await readStanding(gate.db, { integration: door.id, tenant: door.tenant, person: sub });
      const url = `${deps.config.EDGE_PUBLIC_URL}/login/${door.id}`;
      return shortcutsOf({ door, standing, source: issuer.product, url });
    });
    if ('value' in visited) response.json({ shortcuts: visited.value });
    else answer(response, visited.code, visited.waitMs);
  };
}

type Visited<T> =
  | { readonly value: T }
  | { readonly code: ErrorCode; readonly waitMs: number | undefined; readonly language: string | null };

/** One visit: limits, the door, the work, its event and its metrics. Nothing of the request goes into a log. */
async function visit<T>(
  { deps, limits, metrics }: Context,
  request: Request,
  kind: LoginEvent['kind'],
  work: (door: Door, visit: Visit) => Promise<T>,
): Promise<Visited<T>> {
  const begun = performance.now();
  const seen: Visit = { kind, proved: false, person: null, language: null, justInTime: false, platformMs: 0 };
  const address = request.ip ?? 'unknown';
  let door: Door | undefined;
  let visited: Visited<T>;
  try {
    await limits.countAddress(address);
    door = await findDoor(deps, request);
    visited = { value: await work(door, seen) };
  } catch (thrown) {
    const error = toAppError(thrown);
    visited = { code: error.code, waitMs: error.waitMs, language: seen.language };
    report(deps, error, door);
  }
  if (seen.proved) await limits.forgiveAddress(address);
  const code = 'value' in visited ? undefined : visited.code;
  const tookMs = performance.now() - begun;
  metrics.loginFinished({ kind, code, justInTime: seen.justInTime, durationMs: tookMs, platformMs: seen.platformMs });
  if (door && isRecorded(kind, code) && (seen.proved || limits.mayRecord(door.id))) {
    await record(deps, {
      tenant: door.tenant,
      integration: door.id,
      person: seen.person,
      kind,
      code: code ?? null,
      justInTime: seen.justInTime,
      deepLink: hasDeepLink(request),
      tookMs: Math.round(tookMs),
    });
  }
  return visited;
}

/** A menu is drawn with every page: only what went wrong with it is worth a row. */
const isRecorded = (kind: LoginEvent['kind'], code: ErrorCode | undefined): boolean =>
  kind === 'login' || code !== undefined;

const hasDeepLink = ({ query }: Request): boolean => query['to'] !== undefined && query['to'] !== '';

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

async function findDoor({ db }: Deps, { params }: Request): Promise<Door> {
  const id = String(params['integration']);
  const door = uuid.test(id) ? await readDoor(db, id) : undefined;
  if (!door) throw new AppError('NOT_FOUND', 'logging in: there is no such integration');
  return door;
}

function toAppError(thrown: unknown): AppError {
  const known = postgresError(thrown, 'asking the database');
  return known instanceof AppError ? known : new AppError('UNEXPECTED', 'answering a visit', { cause: thrown });
}

function report({ log }: Deps, error: AppError, door: Door | undefined): void {
  const facts = { code: error.code, ...error.data, integration: door?.id, tenant: door?.tenant };
  if (error.code === 'UNEXPECTED') log.error({ ...facts, err: error }, 'visit failed');
  else if (isTrouble(error.code)) log.warn(facts, 'visit refused');
  else log.debug(facts, 'visit refused');
}

/** Who is let in does not wait for a database that has just gone. */
async function record({ db, log }: Deps, event: LoginEvent): Promise<void> {
  try {
    await insertEvent(db, event);
  } catch (error) {
    log.warn({ integration: event.integration, err: postgresError(error, 'recording a visit') }, 'visit not recorded');
  }
}

function refuse(request: Request, response: Response, code: ErrorCode, own: string | null): void {
  if (code === 'METHOD_NOT_ALLOWED') response.set('allow', 'GET');
  const language = languageOf(request, own);
  response
    .status(statusOf(code))
    .set({ 'content-security-policy': contentSecurityPolicy, 'content-language': language, vary: 'accept-language' })
    .type('html')
    .send(renderPage(code, language));
}

function answer(response: Response, code: ErrorCode, waitMs?: number): void {
  if (waitMs !== undefined) response.set('retry-after', String(Math.ceil(waitMs / 1_000)));
  if (code === 'METHOD_NOT_ALLOWED') response.set('allow', 'GET');
  response.status(statusOf(code)).json({ code });
}

async function forget({ db, log, config }: Deps, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await forgetJtis(db);
      await forgetEvents(db, config.EDGE_LOGIN_EVENT_DAYS);
    } catch (error) {
      const known = postgresError(error, 'forgetting old events');
      log.warn({ code: isAppError(known) ? known.code : 'UNEXPECTED', err: known }, 'old events are not forgotten');
    }
    await sleep(forgetMs, signal);
  }
}
