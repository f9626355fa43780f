import { randomUUID } from 'node:crypto';
import { roles, routes, type Role, type Route } from '@orgstream/control-api';
import { AppError } from '@orgstream/core';
import express, {
  type ErrorRequestHandler,
  type Express,
  type Request,
  type RequestHandler,
  type Response,
} from 'express';
import helmet from 'helmet';
import { openAudit } from '../audit.ts';
import type { Deps } from '../deps.ts';
import type { Metrics } from '../metrics.ts';
import { readIfMatch } from './etag.ts';
import { once, type Finished } from './idempotency.ts';
import type { Login } from './login.ts';
import { isOurs, toProblem } from './problem.ts';
import type { Ask, AuditNote, Caller, Handler, Handlers, Reply } from './request.ts';
import { parsePart } from './validate.ts';

export interface AppOptions {
  readonly deps: Deps;
  readonly metrics: Metrics;
  readonly login: Login;
  readonly handlers: Handlers;
  /** Serves the event stream to a caller who may have it. */
  readonly stream: (ask: Ask<'stream'>, request: Request, response: Response) => Promise<void>;
  readonly trustProxy: number;
}

/** The whole HTTP side, made from the route table: what is not in it is 404 or 405. */
export function createApp(options: AppOptions): Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('etag', false);
  app.set('trust proxy', options.trustProxy);
  app.use(begin(options.metrics));
  app.use(helmet({ contentSecurityPolicy: { directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } } }));
  const table = Object.entries(routes as Record<string, Route>);
  const body = express.json({ limit: '1mb', strict: false, type: () => true });
  for (const [id, route] of table) {
    const path = route.path.replaceAll(/\{(\w+)\}/g, ':$1');
    app[route.method](path, handle(options, { id, route, body }));
  }
  for (const path of new Set(table.map(([, route]) => route.path))) {
    const allowed = table.filter(([, route]) => route.path === path).map(([, route]) => route.method.toUpperCase());
    app.all(path.replaceAll(/\{(\w+)\}/g, ':$1'), (_request, response) => {
      response.set('allow', allowed.join(', '));
      throw new AppError('METHOD_NOT_ALLOWED', `this path has ${allowed.join(', ')}`);
    });
  }
  app.use(() => {
    throw new AppError('NOT_FOUND', 'there is no such route');
  });
  app.use(refuse(options));
  return app;
}

/** Marks the request with an id and counts its answer; nothing of path, query or body is logged. */
function begin(metrics: Metrics): RequestHandler {
  return (request, response, next) => {
    const begun = performance.now();
    response.locals['requestId'] = randomUUID();
    response.set({ 'x-request-id': String(response.locals['requestId']), 'cache-control': 'no-store' });
    response.once('close', () => {
      metrics.requestFinished({
        route: String(response.locals['operation'] ?? 'unknown'),
        method: request.method,
        status: response.statusCode,
        durationMs: performance.now() - begun,
      });
    });
    next();
  };
}

interface Operation {
  readonly id: string;
  readonly route: Route;
  readonly body: RequestHandler;
}

function handle(options: AppOptions, operation: Operation): RequestHandler {
  const { id, route } = operation;
  return async (request, response) => {
    response.locals['operation'] = id;
    if (route.signsIn) await options.login.knock(request);
    const caller = route.role === null ? nobody : await options.login.enter(request);
    const requestId = String(response.locals['requestId']);
    if (caller.person && !caller.person.isAdministrator) await refusedPerson(options, { id, caller, requestId });
    if (route.role !== null && !reaches(caller.role, route.role)) {
      await refusedRole(options, { id, route, caller, requestId });
    }
    if (route.body) await readBody(operation.body, request, response);
    const ask = parse(route, request, caller);
    if (id === 'stream') return options.stream(ask as unknown as Ask<'stream'>, request, response);
    const { finished, replayed } = await perform(options, operation, { request, response, ask });
    if (replayed) response.set('idempotency-replayed', 'true');
    if (route.signsIn && 'problem' in finished) await options.login.refused(request);
    send(response, finished);
  };
}

const nobody: Caller = { tokenId: null, name: 'nobody', role: 'viewer', tenants: [], person: null };
const isAudited = ({ method, audited: read }: Route): boolean => method !== 'get' || read === true;
const reaches = (role: Role, needed: Role): boolean => roles.indexOf(role) >= roles.indexOf(needed);

async function refusedRole(
  { deps, metrics }: AppOptions,
  refused: { readonly id: string; readonly route: Route; readonly caller: Caller; readonly requestId: string },
): Promise<never> {
  const { id, route, caller, requestId } = refused;
  if (isAudited(route)) {
    const audit = await openAudit({ deps, metrics }, { action: id, caller, requestId });
    await audit.close('ROLE_TOO_LOW');
  }
  throw new AppError('ROLE_TOO_LOW', `this takes role ${route.role}, the token has ${caller.role}`);
}

/** A session whose owner is no administrator of that Ziik any more; whatever is asked, it is on record. */
async function refusedPerson(
  { deps, metrics }: AppOptions,
  { id, caller, requestId }: { readonly id: string; readonly caller: Caller; readonly requestId: string },
): Promise<never> {
  const audit = await openAudit({ deps, metrics }, { action: id, caller, requestId });
  audit.note({ tenant: caller.person?.tenant ?? null, object: { person: caller.person?.id } });
  await audit.close('ADMIN_REQUIRED');
  throw new AppError('ADMIN_REQUIRED', 'the session is of somebody who is no administrator of that Ziik (any more)');
}

/** No body is no empty object, and another content type is refused: the parser would make an empty body of both. */
async function readBody(parser: RequestHandler, request: Request, response: Response): Promise<void> {
  const { 'content-length': length = '0', 'transfer-encoding': chunked } = request.headers;
  if (length === '0' && chunked === undefined) return;
  if (!request.is('application/json')) {
    throw new AppError('BODY_NOT_JSON', 'reading the body: send application/json');
  }
  await new Promise<void>((resolve, reject) => {
    void parser(request, response, (error?: unknown) => (error === undefined ? resolve() : reject(error)));
  });
}

type AnyAsk = Omit<Ask<'changeSettings'>, 'note' | 'params' | 'query' | 'body'> & {
  readonly params: Record<string, unknown>;
  readonly query: unknown;
  readonly body: unknown;
  note: (note: AuditNote) => void;
};

function parse(route: Route, request: Request, caller: Caller): AnyAsk {
  const params = route.params ? parsePart(route.params, request.params, 'path') : {};
  const query = route.query ? parsePart(route.query, { ...request.query }, 'query') : undefined;
  const body = route.body ? parsePart(route.body, request.body, 'body') : undefined;
  const tag = request.headers['if-match'];
  const optional = route.ifMatch === 'replace' && tag === undefined;
  const ifMatch = route.ifMatch && !optional ? readIfMatch(tag) : null;
  return { params, query, body, ifMatch, caller, note: () => {} };
}

interface Exchange {
  readonly request: Request;
  readonly response: Response;
  readonly ask: AnyAsk;
}

/** Runs the handler, once per Idempotency-Key, with its audit around it. */
async function perform(
  options: AppOptions,
  operation: Operation,
  { request, response, ask }: Exchange,
): Promise<{ readonly finished: Finished; readonly replayed: boolean }> {
  const { id, route } = operation;
  const requestId = String(response.locals['requestId']);
  const handler = options.handlers[id as keyof Handlers] as unknown as (ask: AnyAsk) => Promise<Reply>;
  if (!isAudited(route)) return { finished: await handler(ask), replayed: false };
  const work = (): Promise<Finished> => audited(options, { id, requestId, ask, handler });
  const key = request.headers['idempotency-key'];
  const { tokenId } = ask.caller;
  // Of nobody there is no key: who signs in has an assertion, which is good for once.
  if (route.method !== 'post' || key === undefined || tokenId === null) {
    return { finished: await work(), replayed: false };
  }
  if (typeof key !== 'string' || !/^[!-~]{1,200}$/.test(key)) {
    throw new AppError('REQUEST_INVALID', 'Idempotency-Key: takes 1 to 200 visible characters', {
      field: 'Idempotency-Key',
    });
  }
  const fingerprint = [id, ask.params, ask.query ?? null, ask.body ?? null, ask.ifMatch];
  const keeping = { db: options.deps.db, secrets: options.deps.secrets, route };
  return once(keeping, { key, tokenId, fingerprint }, work);
}

/** A change, or a read that is on record, and its line in the audit; a refusal is an answer too. What failed on our side is thrown. */
async function audited(
  { deps, metrics }: AppOptions,
  call: {
    readonly id: string;
    readonly requestId: string;
    readonly ask: AnyAsk;
    readonly handler: Handler<'changeSettings'> | ((ask: AnyAsk) => Promise<Reply>);
  },
): Promise<Finished> {
  const { id, requestId, ask } = call;
  const audit = await openAudit({ deps, metrics }, { action: id, caller: ask.caller, requestId });
  try {
    const reply = await (call.handler as (ask: AnyAsk) => Promise<Reply>)({ ...ask, note: audit.note });
    await audit.close('ok');
    return reply;
  } catch (thrown) {
    const { problem, error } = toProblem(thrown, requestId);
    await audit.close(error.code);
    if (isOurs(problem.status) || problem.status === 429) throw thrown;
    return { status: problem.status, problem };
  }
}

function send(response: Response, finished: Finished): void {
  if ('problem' in finished) {
    if (finished.status === 401) response.set('www-authenticate', 'Bearer');
    response.status(finished.status).type('application/problem+json').send(JSON.stringify(finished.problem));
    return;
  }
  if (finished.etag !== undefined) response.set('etag', `"${finished.etag}"`);
  if (finished.body === undefined) response.status(finished.status).end();
  else response.status(finished.status).json(finished.body);
}

/** The one place where errors become answers; what is not the caller's fault is logged with its cause. */
function refuse({ deps }: AppOptions): ErrorRequestHandler {
  return (thrown: unknown, _request, response, _next) => {
    const requestId = String(response.locals['requestId']);
    const { problem, error } = toProblem(thrown, requestId);
    if (isOurs(problem.status)) {
      deps.log.error(
        { code: error.code, requestId, route: response.locals['operation'], err: error },
        'request failed',
      );
    }
    if (response.headersSent) {
      response.end();
      return;
    }
    if (error.waitMs !== undefined) response.set('retry-after', `${Math.max(1, Math.ceil(error.waitMs / 1_000))}`);
    send(response, { status: problem.status, problem });
  };
}
