import {
  createdId,
  send,
  strike,
  type Answer,
  type CallLog,
  type Faults,
  type LoggedCall,
} from '@orgstream/simulator-kit';
import type { Request, Response } from 'express';
import { ApiError } from './api-error.ts';
import { lieAbout } from './lie.ts';
import type { Platform } from './platform.ts';

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

/** Answers one call: fault, token, rate, work, log. */
export class Exchange {
  readonly #calls: CallLog<'platform'>;
  readonly #faults: Faults;

  constructor(calls: CallLog<'platform'>, faults: Faults) {
    this.#calls = calls;
    this.#faults = faults;
  }

  async handle(spec: RouteSpec, call: Call, req: Request, res: Response): Promise<void> {
    const startedAt = performance.now();
    const atMs = Date.now();
    const method = spec.method.toUpperCase();
    const objectId = Number.isNaN(call.id) ? null : call.id;
    const facts = {
      scope: call.platform.id,
      method,
      route: spec.path,
      objectId,
      body: call.body,
      query: call.query,
    };
    const fault = this.#faults.strike(facts);
    const log = (status: number, body?: unknown) => {
      const entry: Omit<LoggedCall, 'seq'> & { platform: number } = {
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
    if (fault) await strike({ fault, res, work, lie: () => lie(spec, call), log, refusal });
    else send(res, work(), log);
  }
}

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

function lie({ method, path, show }: RouteSpec, call: Call): Answer {
  if (!show) return { status: 500, body: refusal('nothing_to_lie_about') };
  const created = method === 'post' && Number.isNaN(call.id);
  return guarded(() => {
    const body = lieAbout(show(call), { route: path, body: call.body });
    return { status: created ? 201 : 200, body };
  });
}

function refusal(code: string): unknown {
  return { error: { code, message: 'Injected by the simulator' } };
}
