import { AppError, isAppError } from '@orgstream/core';
import type { z } from 'zod';
import type { HttpOptions } from './http.ts';
import { lastLook } from './last-look.ts';
import type { Route } from './route.ts';
import { failedAnswer, invalidAnswer, noAnswer, type Vendor } from './vendor-failure.ts';

/** One call to make. */
export interface Exchange<T> {
  readonly route: Route;
  readonly query?: URLSearchParams;
  readonly body?: unknown;
  readonly token?: string;
  readonly idempotencyKey?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** What the answer must be; null = no content. */
  readonly answer: z.ZodType<T> | null;
  /** Names of the fields that are not as asked for. */
  readonly verify?: (answer: T) => readonly string[];
}

interface Received {
  readonly status: number;
  readonly contentType: string;
  readonly retryAfter: string | null;
  readonly text: string;
}

/** Whom the calls of a client go to, and how. */
export interface Settings extends HttpOptions {
  readonly baseUrl: string;
  readonly vendor: Vendor;
}

/** A page of 200 users is a hundredth of it. */
const maxAnswerBytes = 16 * 1024 * 1024;

/** Makes one HTTP call: waits its turn, sends, checks the answer against what was asked, tells the metrics. */
export async function exchange<T>(settings: Settings, call: Exchange<T>): Promise<T> {
  const { route, method, write } = call.route;
  const info = { route, method, write };
  await settings.beforeCall?.(info, call.signal);
  const startedAt = performance.now();
  let status = 0;
  const report = (code?: string) =>
    settings.onCall?.({
      ...info,
      status,
      durationMs: performance.now() - startedAt,
      ...(code === undefined ? {} : { code }),
    });
  let value: T;
  try {
    const received = await send(settings, call);
    status = received.status;
    if (status < 200 || status > 299)
      throw failedAnswer(settings.vendor, call.route, received, (settings.now ?? Date.now)());
    value = read(settings.vendor, call, received);
  } catch (error) {
    report(isAppError(error) ? error.code : 'UNEXPECTED');
    throw error;
  }
  report();
  return value;
}

async function send<T>(settings: Settings, call: Exchange<T>): Promise<Received> {
  const { route, signal } = call;
  if (signal?.aborted) throw notStarted(settings.vendor, route);
  // One controller for both ends of a call; AbortSignal.any on a long-lived signal would collect followers.
  const controller = new AbortController();
  let ended: 'timeout' | 'aborted' | null = null;
  const end = (why: 'timeout' | 'aborted') => {
    ended ??= why;
    controller.abort();
  };
  const onAbort = () => end('aborted');
  const look = lookBeforeSend(settings, call.route);
  const timer = setTimeout(() => end('timeout'), settings.timeoutMs);
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    const query = call.query === undefined ? '' : `?${call.query.toString()}`;
    const response = await (settings.fetch ?? fetch)(`${settings.baseUrl}${route.path}${query}`, {
      method: route.method,
      headers: headersOf(call),
      // A redirected POST would arrive as a GET.
      redirect: 'manual',
      signal: controller.signal,
      ...look.init,
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
    });
    return {
      status: response.status,
      contentType: response.headers.get('content-type') ?? '',
      retryAfter: response.headers.get('retry-after'),
      text: await readText(settings.vendor, route, response),
    };
  } catch (error) {
    if (isAppError(error)) throw error;
    throw look.refusal() ?? noAnswer(settings.vendor, route, error, ended);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}

/** The body as text; one that does not end, or unpacks to more than any answer, is not read to its end. */
async function readText(vendor: Vendor, route: Route, response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  let size = 0;
  for await (const bytes of response.body ?? []) {
    size += bytes.byteLength;
    if (size > maxAnswerBytes) throw invalidAnswer(vendor, route, response.status, 'too_large');
    text += decoder.decode(bytes, { stream: true });
  }
  return text + decoder.decode();
}

/** The caller's last look as an option of fetch, and what it threw: fetch would hide it in a cause. */
function lookBeforeSend(
  { beforeSend }: Settings,
  { route, method, write }: Route,
): { readonly init: RequestInit; readonly refusal: () => Error | undefined } {
  let refusal: Error | undefined;
  if (beforeSend === undefined) return { init: {}, refusal: () => refusal };
  const look = (): void => {
    try {
      beforeSend({ route, method, write });
    } catch (error) {
      throw (refusal = error as Error);
    }
  };
  return { init: { dispatcher: lastLook(look) }, refusal: () => refusal };
}

function headersOf<T>(call: Exchange<T>): Record<string, string> {
  return {
    Accept: 'application/json',
    ...(call.body === undefined ? {} : { 'Content-Type': 'application/json' }),
    ...(call.token === undefined ? {} : { Authorization: `Bearer ${call.token}` }),
    ...(call.idempotencyKey === undefined ? {} : { 'Idempotency-Key': call.idempotencyKey }),
  };
}

function read<T>(vendor: Vendor, call: Exchange<T>, { status, contentType, text }: Received): T {
  const { route } = call;
  if (text.trim() === '') {
    if (call.answer === null) return undefined as T;
    throw invalidAnswer(vendor, route, status, 'empty');
  }
  if (!isJson(contentType)) throw invalidAnswer(vendor, route, status, 'content_type');
  const body = parseJson(vendor, route, status, text);
  // An object in the answer to a deletion is an object that is still there.
  if (call.answer === null) throw invalidAnswer(vendor, route, status, 'values');
  const parsed = call.answer.safeParse(body);
  if (!parsed.success) {
    throw invalidAnswer(vendor, route, status, 'shape', [
      ...new Set(parsed.error.issues.map(({ path }) => path.join('.'))),
    ]);
  }
  const wrong = call.verify?.(parsed.data) ?? [];
  if (wrong.length > 0) throw invalidAnswer(vendor, route, status, 'values', wrong);
  return parsed.data;
}

function isJson(contentType: string): boolean {
  return /^application\/([\w.+-]+\+)?json\b/iu.test(contentType);
}

function parseJson(vendor: Vendor, route: Route, status: number, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalidAnswer(vendor, route, status, 'not_json');
  }
}

function notStarted({ codes }: Vendor, { route }: Route): AppError {
  return new AppError(codes.unreachable, `${route}: ended before it was sent`, { route, reason: 'aborted' });
}
