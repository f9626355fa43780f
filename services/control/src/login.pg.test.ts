import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Client } from '@orgstream/control-api';
import { ControlContext } from './fixture.ts';

let ctx: ControlContext;
let admin: Client;

beforeAll(async () => {
  ctx = await ControlContext.open({ CONTROL_REFUSED_PER_MINUTE: 5 });
  admin = await ctx.client('admin');
});
afterAll(() => ctx?.[Symbol.asyncDispose]());

async function ask(token: string): Promise<{ status: number; headers: Headers; code: unknown }> {
  const response = await fetch(`${ctx.url}/v1/stop`, { headers: { authorization: `Bearer ${token}` } });
  const body = (await response.json()) as Record<string, unknown>;
  return { status: response.status, headers: response.headers, code: body['code'] };
}

test('a revoked or expired token is refused at once', async () => {
  const made = await admin.createToken({ body: { name: 'short', role: 'viewer' } });
  expect((await ask(made.secret)).status).toBe(200);
  await admin.revokeToken({ params: { token: made.id } });
  expect((await ask(made.secret)).code).toBe('TOKEN_REFUSED');
  const old = await admin.createToken({ body: { name: 'old', role: 'viewer' } });
  await ctx.db.raw(`update control.token set expires_at = now() where id = ?`, [old.id]);
  expect((await ask(old.secret)).code).toBe('TOKEN_REFUSED');
});

test('an address that guesses is stopped, a token that was good before goes on', async () => {
  const guess = (n: number): ReturnType<typeof ask> => ask(`ost_${String(n).padStart(43, 'x')}`);
  const codes = [];
  for (let n = 0; n < 8; n += 1) codes.push((await guess(n)).code);
  expect(codes).toContain('TOKEN_REFUSED');
  expect(codes.at(-1)).toBe('TOO_MANY_REQUESTS');
  const { status, headers } = await ask(await ctx.token('viewer'));
  expect(status).toBe(429);
  expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
  expect(await admin.getStop()).toMatchObject({ stopped: false });
});

test('tokens are stored as hashes only', async () => {
  const secret = await ctx.token('viewer');
  const { rows } = await ctx.db.raw<{ rows: unknown[] }>(`select *, encode(hash, 'escape') from control.token`);
  expect(JSON.stringify(rows)).not.toContain(secret.slice(4, 20));
});
