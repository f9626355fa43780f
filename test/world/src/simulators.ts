import { createHmac } from 'node:crypto';
import type { StackFile } from './stack-file.ts';
import type { Platform } from './platform.ts';

/** Asks a simulator for something; answers its JSON. */
export async function askSimulator<T>(
  url: string,
  body?: unknown,
  method = body === undefined ? 'GET' : 'POST',
): Promise<T> {
  const response = await fetch(url, {
    method,
    ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${new URL(url).pathname}: HTTP ${response.status} ${text}`);
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

/** Calls a platform as an administrator of the customer would. */
export async function callPlatform(platform: Platform, method: string, path: string, body?: unknown): Promise<unknown> {
  const call = async (verb: string, at: string, json: unknown, token?: string): Promise<unknown> => {
    const response = await fetch(`${platform.url}${at}`, {
      method: verb,
      headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${verb} ${at}: HTTP ${response.status} ${text}`);
    return text === '' ? null : JSON.parse(text);
  };
  const { accessToken } = (await call('POST', '/auth/token', platform.credentials)) as { accessToken: string };
  return call(method, path, body, accessToken);
}

/** Something Learningbank has to tell one of its users. */
export interface Notify {
  readonly type: string;
  readonly userId: number;
  readonly fields?: Readonly<Record<string, string>>;
  readonly link?: string;
  /** When it happened, ISO 8601; default: now. */
  readonly occurredAt?: string;
  /** How often the hook is called for it; default: once. */
  readonly deliveries?: number;
}

/** A notification as the platform sent it, with what the hook answered each time (0: nothing). */
export interface Notified {
  /** Null: switched off at Learningbank. */
  readonly notification: {
    readonly id: number;
    readonly type: string;
    readonly occurredAt: string;
    readonly receiver: { readonly userId: number; readonly email: string | null };
    readonly fields: Readonly<Record<string, string>>;
    readonly link: string | null;
  } | null;
  readonly hookStatuses: readonly number[];
}

/** Learningbank notifies one of its users. */
export async function notify(file: StackFile, platform: Platform, notification: Notify): Promise<Notified> {
  return askSimulator(`${file.learningbankSimUrl}/_sim/notifications`, { platform: platform.id, ...notification });
}

/** Learningbank calls a hook once for a notification, as when it tries again; answers the status, 0 without an answer. */
export async function callHook(
  hook: { readonly hookUrl: string; readonly hookSecret: string | null },
  notification: NonNullable<Notified['notification']>,
): Promise<number> {
  const body = JSON.stringify(notification);
  const t = Math.floor(Date.now() / 1_000);
  const v1 = createHmac('sha256', hook.hookSecret ?? '')
    .update(`${t}.${body}`)
    .digest('hex');
  const headers = { 'content-type': 'application/json', 'x-learningbank-signature': `t=${t},v1=${v1}` };
  try {
    const signal = AbortSignal.timeout(30_000);
    const response = await fetch(hook.hookUrl, { method: 'POST', headers, body, signal });
    await response.arrayBuffer();
    return response.status;
  } catch {
    return 0;
  }
}
