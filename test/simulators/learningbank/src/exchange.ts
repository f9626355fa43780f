import type { Request, Response } from 'express';
import { ApiError } from './api-error.ts';
import type { CallLog, LoggedCall } from './call-log.ts';
import type { Fault, Faults } from './faults.ts';
import { lieAbout } from './lie.ts';
import type { Platform } from './platform.ts';

/** What a handler answers. */
export interface Answer {
  readonly status: number;
  readonly body?: unknown;
  readonly retryAfterS?: number | undefined;
}

/** What a handler gets. */
export interface Call {
  readonly platform: Platform;
  /** Where this simulator is reached: `http://127.0.0.1:1234`. */
  readonly origin: string;
  /** Of the path; NaN where it has none. */
  readonly id: number;
  readonly params: Readonly<Record<string, string | undefined>>;
  readonly query: unknown;
  readonly body: unknown;
}

export interface RouteSpec {
  readonly method: 'get' | 'post' | 'patch' | 'put' | 'delete';
  /** Without the prefix: `/users/:id`. */
  readonly path: string;
  readonly run: (call: Call) => Answer;
  /** What a lying answer distorts: the object before the write, or what the call would have made. */
  readonly show?: (call: Call) => unknown;
  readonly open?: boolean;
}

const keptAnswers = 100_000;
const htmlPage = '<!doctype html><html><head><title>Maintenance</title></head><body><h1>Back soon</h1></body></html>';

/** Answers one call: fault, token, rate, work, log. */
export class Exchange {
  readonly #calls: CallLog;
  readonly #faults: Faults;

  constructor(calls: CallLog, faults: Faults) {
    this.#calls = calls;
    this.#faults = faults;
  }

  handle(spec: RouteSpec, call: Call, req: Request, res: Response): void {
    const startedAt = performance.now();
    const atMs = Date.now();
    const method = spec.method.toUpperCase();
    const objectId = Number.isNaN(call.id) ? null : call.id;
    const facts = {
      platform: call.platform.id,
      method,
      route: spec.path,
      objectId,
      body: call.body,
      query: call.query,
    };
    const fault = this.#faults.strike(facts);
    const log = (status: number, body?: unknown) => {
      const entry: Omit<LoggedCall, 'seq'> = {
        platform: call.platform.id,
        method,
        route: spec.path,
        path: req.originalUrl,
        status,
        objectId: objectId ?? createdId(body),
        atMs,
        durationMs: performance.now() - startedAt,
        // Credentials stay out even of a simulator's log.
        ...(spec.path === '/auth/token' || call.body === undefined ? {} : { body: call.body }),
        ...(fault ? { fault: fault.kind } : {}),
      };
      this.#calls.add(entry);
    };
    const work = () => answerOf(spec, call, req);
    if (fault) strike({ fault, spec, call, res, work, log });
    else send(res, work(), log);
  }
}

type Log = (status: number, body?: unknown) => void;

function answerOf(spec: RouteSpec, call: Call, req: Request): Answer {
  return guarded(() => {
    if (spec.open !== true) admit(call.platform, req);
    return spec.method === 'post' && spec.open !== true ? once(spec, call, req) : spec.run(call);
  });
}

function guarded(work: () => Answer): Answer {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return { status: error.status, body: error.body(), retryAfterS: error.retryAfterS };
  }
}

function admit(platform: Platform, req: Request): void {
  const [scheme, token] = (req.headers.authorization ?? '').split(' ');
  if (scheme !== 'Bearer' || token === undefined || !platform.acceptsToken(token)) {
    throw new ApiError(401, 'invalid_token', 'The access token is missing, unknown or expired');
  }
  const waitS = platform.rateLimit.check(platform.clock.now(), platform.settings.rateLimitPerMinute);
  if (waitS !== null) throw new ApiError(429, 'rate_limited', 'Too many requests', { retryAfterS: waitS });
}

/** The same Idempotency-Key again: the same answer, nothing done. */
function once(spec: RouteSpec, call: Call, req: Request): Answer {
  const key = req.headers['idempotency-key'];
  if (typeof key !== 'string') return spec.run(call);
  const { answers } = call.platform;
  const request = `${req.path} ${JSON.stringify(req.body)}`;
  const before = answers.get(key);
  if (before) {
    if (before.request === request) return before;
    throw new ApiError(409, 'idempotency_key_reused', 'The key was used for another request');
  }
  const answer = spec.run(call);
  const [oldest] = answers.size >= keptAnswers ? answers.keys() : [];
  if (oldest !== undefined) answers.delete(oldest);
  answers.set(key, { request, status: answer.status, body: answer.body });
  return answer;
}

function strike(hit: { fault: Fault; spec: RouteSpec; call: Call; res: Response; work: () => Answer; log: Log }): void {
  const { fault, res, work, log } = hit;
  if (fault.afterWrite) work();
  switch (fault.kind) {
    case 'latency':
      setTimeout(() => send(res, work(), log), fault.ms ?? 0).unref();
      return;
    case 'status':
      send(res, { ...failure(fault.status, 'injected'), retryAfterS: fault.retryAfterS }, log);
      return;
    case 'unauthorized':
      send(res, failure(401, 'invalid_token'), log);
      return;
    case 'forbidden':
      send(res, failure(403, 'forbidden'), log);
      return;
    case 'hang':
      log(0);
      if (fault.ms !== undefined) setTimeout(() => res.socket?.destroy(), fault.ms).unref();
      return;
    case 'reset_before':
      cut(res, log);
      return;
    case 'reset_after_write':
      cut(res, log, work().body);
      return;
    case 'html':
      sendText(res, 'text/html; charset=utf-8', htmlPage, log);
      return;
    case 'empty':
      sendText(res, 'application/json', '', log);
      return;
    case 'half_json':
      sendText(res, 'application/json', '{"data":{"id":1,"na', log);
      return;
    case 'lying_values':
      lie(hit);
      return;
  }
}

function lie({ spec, call, res, log }: { spec: RouteSpec; call: Call; res: Response; log: Log }): void {
  if (!spec.show) return send(res, failure(500, 'nothing_to_lie_about'), log);
  const created = spec.method === 'post' && Number.isNaN(call.id);
  const { show } = spec;
  const answer = guarded(() => {
    const body = lieAbout(show(call), { route: spec.path, body: call.body });
    return { status: created ? 201 : 200, body };
  });
  send(res, answer, log);
}

function failure(status: number, code: string): Answer {
  return { status, body: { error: { code, message: 'Injected by the simulator' } } };
}

/** RST instead of FIN: what a crashed peer or a killed proxy leaves. */
function cut(res: Response, log: Log, body?: unknown): void {
  log(0, body);
  res.socket?.resetAndDestroy();
}

function send(res: Response, answer: Answer, log: Log): void {
  log(answer.status, answer.body);
  if (answer.retryAfterS !== undefined) res.setHeader('Retry-After', `${answer.retryAfterS}`);
  if (answer.body === undefined) {
    res.writeHead(answer.status).end();
    return;
  }
  const text = JSON.stringify(answer.body);
  res.writeHead(answer.status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) });
  res.end(text);
}

function sendText(res: Response, type: string, text: string, log: Log): void {
  log(200);
  res.writeHead(200, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(text) }).end(text);
}

function createdId(body: unknown): number | null {
  const id = (body as { data?: { id?: unknown } } | undefined)?.data?.id;
  return typeof id === 'number' ? id : null;
}
