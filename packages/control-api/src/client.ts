import { AppError, codes, type ErrorCode } from '@orgstream/core';
import type { z } from 'zod';
import type { Problem } from './common.ts';
import type { Route } from './route.ts';
import { routes, type OperationId, type Routes } from './routes.ts';
import { readEvents, type StreamEvent } from './sse.ts';

type Simplify<T> = { [K in keyof T]: T[K] };
type Part<R, Name extends 'params' | 'query' | 'body'> = R extends { readonly [K in Name]: infer S extends z.ZodType }
  ? object extends z.input<S>
    ? { readonly [K in Name]?: z.input<S> }
    : { readonly [K in Name]: z.input<S> }
  : unknown;
type IfMatch<R> = R extends { readonly ifMatch: true }
  ? { readonly ifMatch: string | number }
  : R extends { readonly ifMatch: 'replace' }
    ? { readonly ifMatch?: string | number }
    : unknown;
interface Common {
  /** POST: the same key again answers what it answered before. */
  readonly idempotencyKey?: string;
  readonly signal?: AbortSignal;
}
/** What a call of an operation takes. */
export type Input<Id extends OperationId> = Simplify<
  Part<Routes[Id], 'params'> & Part<Routes[Id], 'query'> & Part<Routes[Id], 'body'> & IfMatch<Routes[Id]> & Common
>;
type BodyOf<A> = A extends { readonly schema: infer S extends z.ZodType } ? z.output<S> : undefined;
/** What a call of an operation answers. */
export type Output<Id extends OperationId> = BodyOf<Routes[Id]['answers'][keyof Routes[Id]['answers']]>;

type Method<Id extends OperationId> =
  object extends Input<Id> ? (input?: Input<Id>) => Promise<Output<Id>> : (input: Input<Id>) => Promise<Output<Id>>;

/** One method per route. Failures are AppErrors with the server's code; data: status, field, remedy, requestId. */
export type Client = { readonly [Id in Exclude<OperationId, 'stream'>]: Method<Id> } & {
  /** Events until the signal aborts or the connection ends. */
  stream(input?: {
    readonly query?: z.input<Routes['stream']['query']>;
    readonly lastEventId?: string;
    readonly signal?: AbortSignal;
  }): AsyncIterable<StreamEvent>;
};

export interface ClientOptions {
  /** Base URL of `control`, without path. */
  readonly url: string;
  readonly token?: string;
  /** Deadline of one call. Default 30 s: the server waits up to 3 s for a service. */
  readonly timeoutMs?: number;
  readonly fetch?: typeof globalThis.fetch;
}

interface AnyInput {
  readonly params?: Readonly<Record<string, unknown>>;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
  readonly ifMatch?: string | number;
  readonly idempotencyKey?: string;
  readonly lastEventId?: string;
  readonly signal?: AbortSignal;
}

/** A client of `control`. Throws CONTROL_UNREACHABLE, TOKEN_REFUSED, and whatever code the server names. */
export function createClient(options: ClientOptions): Client {
  const methods = Object.entries(routes as Record<string, Route>)
    .filter(([id]) => id !== 'stream')
    .map(([id, route]) => [id, (input?: AnyInput) => call(options, route, input ?? {})]);
  return {
    ...Object.fromEntries(methods),
    async *stream(input: AnyInput = {}) {
      const response = await exchange(options, routes.stream, input, input.signal);
      yield* readEvents(response.body!, input.signal);
    },
  } as Client;
}

async function call(options: ClientOptions, route: Route, input: AnyInput): Promise<unknown> {
  const deadline = AbortSignal.timeout(options.timeoutMs ?? 30_000);
  const signal = input.signal ? AbortSignal.any([input.signal, deadline]) : deadline;
  const response = await exchange(options, route, input, signal);
  if (response.status === 204) return undefined;
  return response.json().catch((cause: unknown) => {
    throw unreachable(options, 'the answer is not JSON', cause);
  });
}

async function exchange(
  options: ClientOptions,
  route: Route,
  input: AnyInput,
  signal: AbortSignal | undefined,
): Promise<Response> {
  const response = await (options.fetch ?? fetch)(urlOf(options.url, route, input), {
    method: route.method.toUpperCase(),
    headers: headersOf(options, input),
    redirect: 'error',
    ...(input.body === undefined && !route.body ? {} : { body: JSON.stringify(input.body ?? {}) }),
    ...(signal ? { signal } : {}),
  }).catch((cause: unknown) => {
    throw input.signal?.aborted ? cause : unreachable(options, 'no answer', cause);
  });
  if (!response.ok) throw await refusal(options, response);
  return response;
}

function urlOf(base: string, route: Route, input: AnyInput): URL {
  const path = route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(asText(input.params?.[name] ?? '')),
  );
  const url = new URL(path, base);
  for (const [name, value] of Object.entries(input.query ?? {})) {
    if (value !== undefined) url.searchParams.set(name, asText(value));
  }
  return url;
}

const asText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

function headersOf(options: ClientOptions, input: AnyInput): Record<string, string> {
  return {
    accept: 'application/json, application/problem+json, text/event-stream',
    'content-type': 'application/json',
    ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
    ...(input.ifMatch === undefined ? {} : { 'if-match': `"${String(input.ifMatch).replaceAll('"', '')}"` }),
    ...(input.idempotencyKey === undefined ? {} : { 'idempotency-key': input.idempotencyKey }),
    ...(input.lastEventId === undefined ? {} : { 'last-event-id': input.lastEventId }),
  };
}

async function refusal(options: ClientOptions, response: Response): Promise<AppError> {
  const problem = (await response.json().catch(() => undefined)) as Problem | undefined;
  if (typeof problem?.code !== 'string') return unreachable(options, `HTTP ${response.status}`);
  const code: ErrorCode = problem.code in codes ? (problem.code as ErrorCode) : 'UNEXPECTED';
  const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN);
  const { status, field, remedy, requestId } = problem;
  return new AppError(code, problem.detail, {
    status,
    remedy,
    requestId,
    ...(field === undefined ? {} : { field }),
    ...(Number.isFinite(retryAfter) ? { waitMs: retryAfter * 1_000 } : {}),
  });
}

function unreachable(options: ClientOptions, what: string, cause?: unknown): AppError {
  const { host } = new URL(options.url);
  return new AppError('CONTROL_UNREACHABLE', `asking control at ${host}: ${what}`, { cause });
}
