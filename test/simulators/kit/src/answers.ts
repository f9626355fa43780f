import type { ServerResponse } from 'node:http';
import type { Fault } from './faults.ts';

/** What a handler answers. */
export interface Answer {
  readonly status: number;
  readonly body?: unknown;
  readonly retryAfterS?: number | undefined;
  readonly location?: string | undefined;
}

/** A call that a fault strikes. */
export interface Hit {
  readonly fault: Fault;
  readonly res: ServerResponse;
  /** Does what was asked for. */
  readonly work: () => Answer | Promise<Answer>;
  /** A success that is not true. */
  readonly lie: () => Answer | Promise<Answer>;
  /** Called once, with status 0 when nothing is answered. */
  readonly log: (status: number, body?: unknown) => void;
  /** The body of an injected refusal, in the vendor's own envelope. */
  readonly refusal: (code: string) => unknown;
}

const htmlPage = '<!doctype html><html><head><title>Maintenance</title></head><body><h1>Back soon</h1></body></html>';

/** Answers a call as its fault wants it. */
export async function strike(hit: Hit): Promise<void> {
  const { fault, res, work, log } = hit;
  const done = fault.afterWrite ? await work() : null;
  switch (fault.kind) {
    case 'latency':
      setTimeout(() => void late(hit, done), fault.ms ?? 0).unref();
      return;
    case 'status':
      send(res, { ...failure(hit, fault.status, 'injected'), retryAfterS: fault.retryAfterS }, log);
      return;
    case 'unauthorized':
      send(res, failure(hit, 401, 'invalid_token'), log);
      return;
    case 'forbidden':
      send(res, failure(hit, 403, 'forbidden'), log);
      return;
    case 'hang':
      log(0, done?.body);
      if (fault.ms !== undefined) setTimeout(() => res.socket?.destroy(), fault.ms).unref();
      return;
    case 'reset_before':
      cut(hit);
      return;
    case 'reset_after_write':
      cut(hit, (done ?? (await work())).body);
      return;
    case 'html':
      sendText(hit, 'text/html; charset=utf-8', htmlPage);
      return;
    case 'empty':
      sendText(hit, 'application/json', '');
      return;
    case 'half_json':
      sendText(hit, 'application/json', '{"data":{"id":1,"na');
      return;
    case 'lying_values':
      send(res, await hit.lie(), log);
      return;
  }
}

/** With `afterWrite` the work is done by now, and only its answer is late. */
async function late({ res, work, log }: Hit, done: Answer | null): Promise<void> {
  try {
    send(res, done ?? (await work()), log);
  } catch {
    res.socket?.resetAndDestroy();
  }
}

function failure({ refusal }: Hit, status: number, code: string): Answer {
  return { status, body: refusal(code) };
}

/** RST instead of FIN: what a crashed peer or a killed proxy leaves. */
function cut({ res, log }: Hit, body?: unknown): void {
  log(0, body);
  res.socket?.resetAndDestroy();
}

/** Sends an answer as JSON and logs it. */
export function send(res: ServerResponse, answer: Answer, log: Hit['log']): void {
  log(answer.status, answer.body);
  if (answer.retryAfterS !== undefined) res.setHeader('Retry-After', `${answer.retryAfterS}`);
  if (answer.location !== undefined) res.setHeader('Location', answer.location);
  if (answer.body === undefined) {
    res.writeHead(answer.status).end();
    return;
  }
  const text = JSON.stringify(answer.body);
  res.writeHead(answer.status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) });
  res.end(text);
}

function sendText({ res, log }: Hit, type: string, text: string): void {
  log(200);
  res.writeHead(200, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(text) }).end(text);
}

/** `data.id` of an answer. */
export function createdId(body: unknown): number | null {
  const id = (body as { data?: { id?: unknown } } | undefined)?.data?.id;
  return typeof id === 'number' ? id : null;
}
