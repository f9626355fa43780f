import { type ErrorCode, isAppError } from '@orgstream/core';
import { readNotification } from '@orgstream/clients';
import type { Logger } from '@orgstream/runtime';
import { type ErrorRequestHandler, type Request, type Response, Router } from 'express';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { networkOf } from '../network-of.ts';
import type { HookChannels, OpenChannel } from './hook-channels.ts';
import type { HookOutcome, IntakeMetrics } from './metrics.ts';
import type { Outlet } from './outlet.ts';
import { readBody } from './read-body.ts';
import type { Received } from './received.ts';
import { isSigned } from './signature.ts';
import { toRecord } from './to-record.ts';

const path = '/hooks/learningbank/:integration';

const limitBytes = 64 * 1024;

/**
 * What was refused to an address so often within a minute is answered 429 until it is over, and what is not known is not
 * looked for. Deliveries that fit are taken all the same, and a wrong secret counts against its own hook only: all
 * customers' deliveries come from the same addresses.
 */
const refusedPerMinute = 300;

export interface HookOptions {
  readonly channels: Pick<HookChannels, 'of'>;
  readonly outlet: Pick<Outlet, 'put'>;
  readonly received: Pick<Received, 'note'>;
  readonly metrics: Pick<IntakeMetrics, 'hooked'>;
  readonly log: Logger;
  /** Notifications a minute and integration. */
  readonly perMinute: number;
  readonly now?: () => number;
}

interface Answer {
  readonly status: number;
  readonly outcome: HookOutcome;
  readonly code?: ErrorCode;
  readonly detail?: string;
  readonly problems?: readonly string[];
  readonly retryAfterS?: number;
}

/** Any reason not to believe a delivery has this one answer: who guesses learns nothing. */
const refused: Answer = {
  status: 401,
  outcome: 'refused',
  code: 'HOOK_REFUSED',
  detail: 'No such hook, or the signature does not fit. It is HMAC-SHA256 over `<t>.<body>` within 300 seconds.',
};

const tooLarge: Answer = {
  status: 413,
  outcome: 'too_large',
  code: 'BODY_TOO_LARGE',
  detail: 'The body is larger than 64 KB.',
};

/**
 * `POST /hooks/learningbank/{integration}`: one notification, signed. 202 only once Kafka has it; everything else means
 * that Learningbank still has to deliver it. Delivered twice it is one message: the ledger knows it.
 */
export function createHook(options: HookOptions): Router {
  const { metrics, log } = options;
  const router = Router();
  const genuine = new RateLimiterMemory({ points: options.perMinute, duration: 60 });
  const guesses = new RateLimiterMemory({ points: refusedPerMinute, duration: 60 });
  const known = new Set<string>();
  const find = async (integration: string): Promise<OpenChannel | undefined> => {
    const channel = await options.channels.of(integration);
    if (channel !== undefined) known.add(integration);
    return channel;
  };
  const reply = (response: Response, answer: Answer): void => {
    metrics.hooked(answer.outcome);
    send(response, answer);
  };
  router.post(path, (request, response, next) => {
    void (async () => {
      const address = networkOf(request.ip ?? '');
      const integration = String(request.params['integration']);
      const keyOf = (): string => (known.has(integration) ? `${address} ${integration}` : address);
      const blockedS = Math.max(await secondsBlocked(guesses, address), await secondsBlocked(guesses, keyOf()));
      const isFindable = blockedS === 0 || known.has(integration);
      const of = async (id: string): Promise<OpenChannel | undefined> => (isFindable ? find(id) : undefined);
      const answer = await judge({ ...options, channels: { of } }, genuine, request);
      if (answer === refused && blockedS === 0) await guesses.penalty(keyOf());
      reply(response, answer === refused && blockedS > 0 ? limited(blockedS) : answer);
    })().catch((error: unknown) => {
      // Who hung up is told nothing.
      if (!request.complete && request.destroyed) return;
      next(error);
    });
  });
  router.use(path, failed(log, reply));
  return router;
}

async function judge(options: HookOptions, genuine: RateLimiterMemory, request: Request): Promise<Answer> {
  const integration = String(request.params['integration']);
  const body = await readBody(request, limitBytes);
  if (body === undefined) return tooLarge;
  const nowMs = (options.now ?? Date.now)();
  const channel = await options.channels.of(integration);
  const signed = isSigned({
    header: request.get('x-learningbank-signature'),
    body,
    secret: channel?.secret,
    oldSecret: channel?.oldSecret,
    nowMs,
  });
  if (!signed || channel === undefined) return refused;
  const waitS = await secondsToWait(genuine, integration);
  if (waitS > 0) return limited(waitS);
  const read = readNotification(parseJson(body));
  if ('problems' in read) {
    return { status: 422, outcome: 'invalid', code: 'REQUEST_INVALID', problems: read.problems };
  }
  const { tenant } = channel;
  return put(options, toRecord(read.notification, { tenant, integration, via: 'hook', nowMs }));
}

async function put({ outlet, received }: HookOptions, record: ReturnType<typeof toRecord>): Promise<Answer> {
  try {
    await outlet.put([record]);
    received.note(record.integrationId);
    return { status: 202, outcome: 'accepted' };
  } catch (error) {
    if (!isAppError(error)) throw error;
    if (error.code === 'RECORD_INVALID') return { status: 422, outcome: 'invalid', code: 'RECORD_INVALID' };
    return { status: 503, outcome: 'unavailable', code: error.code, retryAfterS: 5 };
  }
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    return undefined;
  }
}

function limited(waitS: number): Answer {
  return { status: 429, outcome: 'limited', code: 'TOO_MANY_REQUESTS', retryAfterS: waitS };
}

async function secondsBlocked(limiter: RateLimiterMemory, key: string): Promise<number> {
  const seen = await limiter.get(key);
  return seen !== null && seen.remainingPoints <= 0 ? Math.ceil(seen.msBeforeNext / 1_000) : 0;
}

async function secondsToWait(limiter: RateLimiterMemory, key: string): Promise<number> {
  return limiter.consume(key).then(
    () => 0,
    (refusal: { readonly msBeforeNext?: number }) => Math.max(1, Math.ceil((refusal.msBeforeNext ?? 1_000) / 1_000)),
  );
}

/** A failure of ours, as when Postgres is away: Learningbank has to deliver it again. */
function failed(log: Logger, reply: (response: Response, answer: Answer) => void): ErrorRequestHandler {
  return (thrown: unknown, _request, response, _next) => {
    log.warn({ code: isAppError(thrown) ? thrown.code : 'UNEXPECTED', err: thrown }, 'notification not taken');
    const code = isAppError(thrown) ? thrown.code : 'UNEXPECTED';
    reply(response, { status: 503, outcome: 'unavailable', code, retryAfterS: 5 });
  };
}

function send(response: Response, { status, code, detail, problems, retryAfterS }: Answer): void {
  if (response.headersSent) return;
  if (retryAfterS !== undefined) response.set('retry-after', String(retryAfterS));
  // What was not read of a request would be taken for the next one.
  if (!response.req.complete) response.set('connection', 'close');
  response.status(status);
  if (code === undefined) return void response.end();
  response.type('application/problem+json').send(
    JSON.stringify({
      title: code,
      status,
      code,
      ...(detail === undefined ? {} : { detail }),
      ...(problems === undefined ? {} : { problems }),
    }),
  );
}
