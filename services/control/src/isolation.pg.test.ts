import { Problem, roles, type OperationId } from '@orgstream/control-api';
import { createToken } from '@orgstream/database';
import { defaultSettings } from '@orgstream/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runBridge } from './chat-fixture.ts';
import { ControlContext, type TenantFixture } from './fixture.ts';
import { addIssuer } from './issuer-fixture.ts';
import { operations, routeOf, samplesOf, send, type Answer, type Sample } from './samples-fixture.ts';

let ctx: ControlContext;
let bridge: AsyncDisposable;
let session: string;
let ours: TenantFixture;
let theirs: TenantFixture;
let samples: Readonly<Record<OperationId, Sample>>;

beforeAll(async () => {
  ctx = await ControlContext.open({ CONTROL_WAIT_MS: 0, CONTROL_REFUSED_PER_MINUTE: 1_000 });
  bridge = runBridge(ctx.db);
  ours = await ctx.addTenant('eu1.42');
  theirs = await ctx.addTenant('eu1.43');
  const token = await createToken(ctx.db, { name: 'victim', role: 'viewer', tenants: [ours.tenant], by: 'test' });
  const [issuer, removed] = [await addIssuer(ctx.db, ours.tenant), await addIssuer(ctx.db, ours.tenant)];
  session = await ctx.session(ours.tenant, '8');
  samples = samplesOf(ours, {
    token: token.id,
    ziikUrl: ctx.ziik.urlOf(ours.tenant),
    issuer: removed.id,
    assertion: () => issuer.assert({ sub: '8' }),
  });
  samples = { ...samples, replaceSettings: { ...samples.replaceSettings, body: { ...defaultSettings, review: true } } };
});
afterAll(async () => {
  await bridge?.[Symbol.asyncDispose]();
  await ctx?.[Symbol.asyncDispose]();
});

const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });
const ask = (id: OperationId, token: string): Promise<Answer> => send(ctx.url, id, samples[id], bearer(token));
const secured = operations.filter((id) => routeOf(id).role !== null);

describe('every route', () => {
  test.each(secured)('%s refuses who has no token', async (id) => {
    const { status, json, headers } = await send(ctx.url, id, samples[id], {});
    expect(json).toMatchObject({ code: 'TOKEN_REFUSED', status: 401 });
    expect(status).toBe(401);
    expect(headers.get('www-authenticate')).toBe('Bearer');
  });

  test.each(secured.filter((id) => routeOf(id).role !== 'viewer'))('%s refuses a role that is too low', async (id) => {
    const lower = roles[roles.indexOf(routeOf(id).role!) - 1]!;
    const { status, json } = await ask(id, await ctx.token(lower));
    expect(json).toMatchObject({ code: 'ROLE_TOO_LOW', status: 403 });
    expect(status).toBe(403);
  });

  test.each(secured)('%s shows nothing of another tenant', async (id) => {
    const { about } = routeOf(id);
    const { status, text, json } = await ask(id, theirs.token);
    if (about === 'tenant') expect([status, json?.['code']], text).toEqual([404, 'NOT_FOUND']);
    if (about === 'all') expect([status, json?.['code']], text).toEqual([403, 'ROLE_TOO_LOW']);
    if (id === 'endSession') expect(json, text).toMatchObject({ code: 'ACTION_NOT_POSSIBLE' });
    else if (about === 'list' || about === 'nobody') expect(status, text).toBe(200);
    for (const secret of [ours.tenant, ours.integration, ours.run, 'site of eu1.42'])
      expect(text).not.toContain(secret);
    if (status >= 400) expect(Problem.strict().safeParse(json).error).toBeUndefined();
  });

  test.each(secured)('%s gives the session of another tenant no more than a token', async (id) => {
    const { about } = routeOf(id);
    const isToken = id === 'listTokens' || id === 'createToken' || id === 'revokeToken';
    const { status, text, json } = await ask(id, await ctx.session(theirs.tenant, '8'));
    if (about === 'all' || isToken) expect([status, json?.['code']], text).toEqual([403, 'ROLE_TOO_LOW']);
    else if (about === 'tenant') expect([status, json?.['code']], text).toEqual([404, 'NOT_FOUND']);
    else expect(status, text).toBe(id === 'endSession' ? 204 : 200);
    for (const secret of [ours.tenant, ours.integration, ours.run]) expect(text).not.toContain(secret);
  });

  test.each(secured)('%s refuses the session of who is no administrator, and it is on record', async (id) => {
    const { status, json } = await ask(id, await ctx.session(ours.tenant, '7'));
    expect([status, json?.['code']]).toEqual([403, 'ADMIN_REQUIRED']);
    const { rows } = await ctx.db.raw<{ rows: unknown[] }>(
      `select actor, action, tenant, outcome, object from control.audit order by id desc limit 1`,
    );
    expect(rows).toEqual([
      {
        actor: `administrator 7 of ${ours.tenant}`,
        action: id,
        tenant: ours.tenant,
        outcome: 'ADMIN_REQUIRED',
        object: { person: '7' },
      },
    ]);
  });

  test.each(operations)('%s answers as its contract says', async (id) => {
    const route = routeOf(id);
    const token = id === 'endSession' ? session : about(id) === 'all' ? await ctx.token('admin') : ours.token;
    const { status, json, headers, text } = await ask(id, token);
    const answer = route.answers[status];
    expect(answer, `${status} ${text}`).toBeDefined();
    expect(answer!.schema?.safeParse(json).error).toBeUndefined();
    if (route.etag) expect(headers.get('etag')).toMatch(/^"[0-9-]+"$/);
    expect(headers.get('x-request-id')).toBeTruthy();
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
  });
});

const about = (id: OperationId): string => routeOf(id).about;

test('nothing of a person, and no secret, is in the log or the audit', async () => {
  const { rows } = await ctx.db.raw<{ rows: unknown[] }>('select * from control.audit');
  const text = `${ctx.logs.join('')}${JSON.stringify(rows)}`;
  expect(rows.length).toBeGreaterThan(40);
  for (const secret of ['Secretname', 'secret.example', 'ost_', '"password"']) expect(text).not.toContain(secret);
  const underWay = rows.filter((row) => (row as { outcome: string }).outcome === 'under way');
  expect(underWay).toEqual([]);
});
