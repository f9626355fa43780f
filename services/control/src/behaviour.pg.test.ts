import type { Client } from '@orgstream/control-api';
import { defaultSettings, type ErrorCode } from '@orgstream/core';
import { finishCommand, takeCommand, type CommandRow, type Knex } from '@orgstream/database';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ControlContext, type TenantFixture } from './fixture.ts';

let ctx: ControlContext;
let ours: TenantFixture;
let admin: Client;
let secret: string;
let site = 100;

beforeAll(async () => {
  ctx = await ControlContext.open({ CONTROL_WAIT_MS: 3_000, CONTROL_REFUSED_PER_MINUTE: 1_000 });
  secret = await ctx.token('admin');
});
afterAll(() => ctx?.[Symbol.asyncDispose]());
beforeEach(async () => {
  ours = await ctx.addTenant(`eu1.${(site += 1)}`);
  // What the fixture left for the sink is not what these tests ask for.
  await ctx.db.raw(`update control.command set state = 'done' where state = 'new'`);
  admin = await ctx.client('admin');
});

const code = (expected: ErrorCode, data: Record<string, unknown> = {}) =>
  expect.objectContaining({ code: expected, data: expect.objectContaining(data) });

/** Answers the next command as the sink would. */
async function answerNext(
  db: Knex,
  answer: (command: CommandRow) => Promise<Parameters<typeof finishCommand>[2]>,
): Promise<CommandRow> {
  for (;;) {
    const command = await takeCommand(db, 'learningbank-sink');
    if (!command) continue;
    await finishCommand(db, command.id, await answer(command));
    return command;
  }
}

interface Raw {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

async function raw(path: string, init: RequestInit & { readonly token?: string | null } = {}): Promise<Raw> {
  const { token = secret, headers, ...rest } = init;
  const given = new Headers(headers);
  if (token !== null) given.set('authorization', `Bearer ${token}`);
  const response = await fetch(`${ctx.url}${path}`, {
    ...rest,
    headers: given,
  });
  const body = (await response.json()) as Record<string, unknown>;
  return { status: response.status, headers: response.headers, body };
}
const json = { 'content-type': 'application/json' };

describe('what is no request of the table', () => {
  test.each([
    ['GET', '/v1/nothing', 404, 'NOT_FOUND'],
    ['GET', '/', 404, 'NOT_FOUND'],
    ['DELETE', '/v1/status', 405, 'METHOD_NOT_ALLOWED'],
    ['POST', '/v1/openapi.json', 405, 'METHOD_NOT_ALLOWED'],
    ['GET', '/v1/integrations/%E0%A4%A', 400, 'REQUEST_INVALID'],
    ['GET', '/v1/integrations/not-a-uuid', 400, 'REQUEST_INVALID'],
    ['GET', '/v1/integrations/00000000-0000-4000-8000-000000000000', 404, 'NOT_FOUND'],
    ['GET', '/v1/integrations?limit=0', 400, 'REQUEST_INVALID'],
    ['GET', '/v1/integrations?limit=5&limit=6', 400, 'REQUEST_INVALID'],
    ['GET', '/v1/integrations?nonsense=1', 400, 'REQUEST_INVALID'],
    ['GET', '/v1/integrations?cursor=AAAA', 400, 'REQUEST_INVALID'],
    ['GET', `/v1/integrations?cursor=${btoa('["2026-02-31 00:00:00.000000+00","x"]')}`, 400, 'REQUEST_INVALID'],
    ['GET', '/v1/commands/99999999', 404, 'NOT_FOUND'],
    ['GET', '/v1/tenants/eu1.42%00/snapshots', 400, 'REQUEST_INVALID'],
  ])('%s %s is %d %s', async (method, path, status, expected) => {
    const answer = await raw(path, { method });
    expect(answer.body).toMatchObject({
      status,
      code: expected,
      requestId: expect.any(String),
      remedy: expect.any(String),
    });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    if (status === 405) expect(answer.headers.get('allow')).toBe('GET');
  });
});

describe('bodies', () => {
  const post = (body: string, headers: Record<string, string> = json): Promise<Raw> =>
    raw('/v1/tokens', { method: 'POST', body, headers });

  test.each([
    ['no JSON', '{"name":', 'REQUEST_INVALID', 400],
    ['empty', '', 'REQUEST_INVALID', 400],
    ['a wrong type', '{"name": 5, "role": "viewer"}', 'REQUEST_INVALID', 400],
    ['an unknown field', '{"name": "a", "role": "viewer", "isRoot": true}', 'REQUEST_INVALID', 400],
    ['a role that is none', '{"name": "a", "role": "god"}', 'REQUEST_INVALID', 400],
    ['a zero byte', '{"name": "a\\u0000", "role": "viewer"}', 'REQUEST_INVALID', 400],
    ['half a surrogate', '{"name": "\\ud800", "role": "viewer"}', 'REQUEST_INVALID', 400],
    ['a prototype', '{"__proto__": {"role": "admin"}, "name": "a"}', 'REQUEST_INVALID', 400],
    ['more than 1 MB', JSON.stringify({ name: 'x'.repeat(1_100_000), role: 'viewer' }), 'BODY_TOO_LARGE', 413],
  ])('%s is refused and makes nothing', async (_, body, expected, status) => {
    const before = await admin.listTokens({ query: { limit: 500 } });
    const answer = await post(body);
    expect(answer.body).toMatchObject({ code: expected, status });
    expect(await admin.listTokens({ query: { limit: 500 } })).toHaveProperty('items.length', before.items.length);
  });

  test('a body that is not JSON by its type is 415', async () => {
    expect((await post('name=a', { 'content-type': 'text/plain' })).body).toMatchObject({ code: 'BODY_NOT_JSON' });
    expect((await post('x', { ...json, 'content-encoding': 'br2' })).body).toMatchObject({ code: 'BODY_NOT_JSON' });
  });

  test('a refusal names the field and never its value', async () => {
    const body = { tenant: 'eu1.42', platformUrl: 'nope', credentials: { username: 'u', password: 'hunter2' } };
    const answer = await raw('/v1/integrations', { method: 'POST', headers: json, body: JSON.stringify(body) });
    expect(answer.body).toMatchObject({ code: 'REQUEST_INVALID', field: 'platformUrl' });
    expect(JSON.stringify(answer.body)).not.toMatch(/hunter2|nope/);
  });
});

describe('If-Match', () => {
  test('of two operators who read the same, one changes it and the other reads again', async () => {
    const params = { integration: ours.integration };
    const { generation } = await admin.getIntegration({ params });
    const both = await Promise.allSettled(
      [{ paused: true }, { shadow: true }].map((body) =>
        admin.changeIntegration({ params, body, ifMatch: generation }),
      ),
    );
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const refused = both.find((one) => one.status === 'rejected');
    expect(refused?.reason).toEqual(code('PRECONDITION_FAILED', { status: 412 }));
    const now = await admin.getIntegration({ params });
    expect([now.paused, now.shadow].filter(Boolean)).toHaveLength(1);
    expect(now.generation).toBe(generation + 1);
  });

  test('without it nothing is changed', async () => {
    for (const [method, path] of [
      ['DELETE', ''],
      ['PUT', '/settings'],
    ] as const) {
      const body = method === 'PUT' ? { headers: json, body: JSON.stringify(defaultSettings) } : {};
      const answer = await raw(`/v1/integrations/${ours.integration}${path}`, { method, ...body });
      expect(answer.body).toMatchObject({ status: 428, code: 'PRECONDITION_REQUIRED' });
    }
    expect(await admin.getIntegration({ params: { integration: ours.integration } })).toMatchObject({ generation: 1 });
  });

  test('a pending version of the settings makes older ETags stale', async () => {
    const params = { integration: ours.integration };
    const run = answerNext(ctx.db, async () => ({ result: { run: ours.run } }));
    const answer = await admin.changeSettings({ params, body: { uniqueUnits: true }, ifMatch: '1-1' });
    expect(answer.run?.id).toBe(ours.run);
    expect((await run).payload).toMatchObject({ kind: 'settings', settingsVersion: 2, dryRun: false });
    await expect(admin.changeSettings({ params, body: { review: true }, ifMatch: '1-1' })).rejects.toEqual(
      code('PRECONDITION_FAILED'),
    );
    expect(await admin.getSettings({ params })).toMatchObject({
      version: 1,
      newest: 2,
      settings: { uniqueUnits: false },
    });
    const { items } = await admin.listSettingsVersions({ params });
    expect(items[0]).toMatchObject({
      version: 2,
      inForce: false,
      changes: [{ path: 'uniqueUnits', from: false, to: true }],
    });
  });
});

describe('Idempotency-Key', () => {
  test('the same request again has no second effect and the same answer; its secret is not kept open', async () => {
    const body = { name: 'once', role: 'viewer' } as const;
    const one = await admin.createToken({ body, idempotencyKey: 'k-1' });
    const two = await admin.createToken({ body, idempotencyKey: 'k-1' });
    expect(two).toEqual(one);
    const { rows } = await ctx.db.raw<{ rows: unknown[] }>(`select response from control.idempotency`);
    expect(JSON.stringify(rows)).not.toContain(one.secret);
    await expect(admin.createToken({ body: { ...body, role: 'admin' }, idempotencyKey: 'k-1' })).rejects.toEqual(
      code('IDEMPOTENCY_KEY_REUSED', { status: 422, field: 'Idempotency-Key' }),
    );
  });

  test('of two at once one has the effect', async () => {
    const both = await Promise.allSettled(
      [1, 2].map(() => admin.createToken({ body: { name: 'race', role: 'viewer' }, idempotencyKey: 'k-2' })),
    );
    const { items } = await admin.listTokens({ query: { limit: 500 } });
    expect(items.filter(({ name }) => name === 'race')).toHaveLength(1);
    for (const one of both) if (one.status === 'rejected') expect(one.reason).toEqual(code('REQUEST_UNDER_WAY'));
  });

  test('a refusal is repeated too, and another sender may use the same key', async () => {
    const params = { integration: ours.integration };
    const body = { action: 'adopt', objects: [{ kind: 'person', id: '1' }] } as never;
    const call = () => admin.actOnObjects({ params, body, idempotencyKey: 'k-3' });
    await expect(call()).rejects.toEqual(code('REQUEST_INVALID', { field: 'targetId' }));
    await expect(call()).rejects.toEqual(code('REQUEST_INVALID', { field: 'targetId' }));
    const other = await ctx.client('admin');
    expect(await other.createToken({ body: { name: 'x', role: 'viewer' }, idempotencyKey: 'k-3' })).toHaveProperty(
      'id',
    );
  });
});

describe('commands', () => {
  test('the answer comes as soon as the sink has answered', async () => {
    const begun = performance.now();
    const answered = answerNext(ctx.db, async () => ({ result: { done: 1, refused: [] } }));
    const params = { integration: ours.integration };
    const objects = [{ kind: 'person', id: '1', hash: 'hash-1' }] as const;
    const answer = await admin.actOnObjects({ params, body: { action: 'approve', objects: [...objects] } });
    expect(answer).toMatchObject({ state: 'done', result: { done: 1 } });
    expect((await answered).payload).toMatchObject({ action: 'approve', objects, by: 'admin of a test' });
    expect(performance.now() - begun).toBeLessThan(2_500);
  });

  test.each(['RUN_STATE', 'RUN_IN_PROGRESS', 'ITEM_CHANGED', 'SNAPSHOT_MISSING'] as const)(
    "the sink's refusal %s is a 409 with its words",
    async (refusal) => {
      const answered = answerNext(ctx.db, async () => ({ code: refusal, message: `no: ${refusal}` }));
      const asked = admin.decideRun({ params: { run: ours.run }, body: { decision: 'approve' } });
      await expect(asked).rejects.toMatchObject({ code: refusal, message: `no: ${refusal}`, data: { status: 409 } });
      await answered;
    },
  );

  test('a finished run is not decided about', async () => {
    await ctx.db.raw(`update sink.run set state = 'done' where id = ?`, [ours.run]);
    for (const decision of ['approve', 'reject', 'pause', 'cancel'] as const) {
      await expect(admin.decideRun({ params: { run: ours.run }, body: { decision } })).rejects.toEqual(
        code('RUN_STATE'),
      );
    }
  });

  test('what nobody answers goes on under its number', async () => {
    const asked = await admin.startReplay({ body: { what: 'facts', tenant: ours.tenant } });
    expect(asked).toMatchObject({ state: 'new', result: null });
    expect(await admin.getCommand({ params: { command: asked.command } })).toMatchObject({
      kind: 'replay',
      state: 'new',
    });
  });

  test.each([
    [{ action: 'adopt', objects: [{ kind: 'person', id: '1' }] }, 'targetId'],
    [{ action: 'approve' }, 'objects'],
    [{ action: 'approve', all: true, operation: 'move' }, 'objects'],
    [{ action: 'ignore', all: true }, 'objects'],
    [{ action: 'retry', all: true, targetId: 7 }, 'targetId'],
  ] as const)('%j is refused by its field %s', async (body, field) => {
    const asked = admin.actOnObjects({ params: { integration: ours.integration }, body: body as never });
    await expect(asked).rejects.toEqual(code('REQUEST_INVALID', { field }));
  });

  test('a run of another integration is not undone here', async () => {
    const other = await ctx.addTenant(`eu1.${(site += 1)}`);
    const body = { kind: 'undo', scope: { run: other.run } } as const;
    await expect(admin.startRun({ params: { integration: ours.integration }, body })).rejects.toEqual(
      code('NOT_FOUND'),
    );
  });
});

describe('integrations', () => {
  const platformUrl = 'http://127.0.0.1:9/new';
  const credentials = { username: 'u', password: 'top-secret-password' };

  test('an unknown source, and a second one for the same platform, are refused', async () => {
    const body = { tenant: 'eu9.1', platformUrl, credentials };
    await expect(admin.createIntegration({ body })).rejects.toEqual(code('SOURCE_UNKNOWN', { status: 404 }));
    const again = { ...body, tenant: ours.tenant, protectOwners: false };
    await admin.createIntegration({ body: again });
    await expect(admin.createIntegration({ body: again })).rejects.toEqual(code('ALREADY_EXISTS', { status: 409 }));
  });

  test('an unreachable platform is no obstacle, and is told; credentials are sealed and never shown', async () => {
    const body = { tenant: 'eu1.7', platformUrl, credentials };
    const made = await admin.createIntegration({ body });
    expect(made.findings.map((finding) => finding.code)).toEqual(['TARGET_UNREACHABLE', 'OWNERS_UNKNOWN']);
    const { rows } = await ctx.db.raw<{ rows: unknown[] }>(
      `select encode(sealed, 'escape') as sealed from control.secret`,
    );
    const seen = `${JSON.stringify(made)}${JSON.stringify(rows)}${ctx.logs.join('')}`;
    expect(seen).not.toContain('top-secret-password');
  });

  test('settings of another preset are refused by name', async () => {
    const body = { tenant: 'eu1.8', platformUrl, credentials, settings: { deactivateUsers: true } };
    await expect(admin.createIntegration({ body })).rejects.toEqual(
      code('SETTING_NOT_OF_PRESET', { status: 422, field: 'deactivateUsers' }),
    );
  });

  test('an operator may pause, not rename or renew credentials', async () => {
    const operator = await ctx.client('operator', [ours.tenant]);
    const params = { integration: ours.integration };
    for (const body of [{ name: 'Other' }, { credentials, paused: true }]) {
      await expect(operator.changeIntegration({ params, body, ifMatch: 1 })).rejects.toEqual(code('ROLE_TOO_LOW'));
    }
    expect(await operator.changeIntegration({ params, body: { paused: true }, ifMatch: 1 })).toMatchObject({
      paused: true,
      name: `Academy of ${ours.tenant}`,
    });
  });

  test('removing one leaves nothing of it', async () => {
    const params = { integration: ours.integration };
    await admin.removeIntegration({ params, ifMatch: 1 });
    await expect(admin.getIntegration({ params })).rejects.toEqual(code('NOT_FOUND'));
    const ofSink = ['link', 'work', 'attempt', 'run', 'integration_state', 'brake'].map((table) => `sink.${table}`);
    const ofChat = ['control.channel', 'control.notification_setting', 'bridge.notification', 'edge.intake'];
    for (const table of [...ofSink, ...ofChat, 'edge.login_event']) {
      const { rows } = await ctx.db.raw<{ rows: unknown[] }>(`select from ${table} where integration_id = ?`, [
        ours.integration,
      ]);
      expect(rows, table).toHaveLength(0);
    }
    const { rows } = await ctx.db.raw<{ rows: { n: number }[] }>(
      `select count(*)::int as n from control.secret s
        where not exists (select from control.integration i where i.secret_id = s.id)
          and not exists (select from cdc.source c where c.url_secret_id = s.id)
          and not exists (select from control.channel c where s.id in (c.sender_secret_id, c.hook_secret_id))`,
    );
    expect(rows[0]!.n).toBe(0);
  });
});

test('pages follow each other without a gap or a repetition', async () => {
  const params = { integration: ours.integration };
  const seen: string[] = [];
  for (let cursor: string | undefined; ;) {
    const query = cursor === undefined ? { limit: 4 } : { limit: 4, cursor };
    const { items, next } = await admin.listObjects({ params, query });
    seen.push(...items.map(({ kind, id }) => `${kind} ${id}`));
    if (next === null) break;
    cursor = next;
  }
  expect(seen).toEqual([...new Set(seen)]);
  expect(seen).toHaveLength(10);
  const held = await admin.listObjects({ params, query: { state: 'held' } });
  expect(held.items.map(({ id, code: why }) => [id, why])).toEqual([['1', 'BRAKE_TRIPPED']]);
  const found = await admin.listObjects({ params, query: { text: 'ANN7@' } });
  expect(found.items.map(({ id }) => id)).toEqual(['7']);
});
