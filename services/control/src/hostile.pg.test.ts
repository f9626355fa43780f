import { createClient, type Client } from '@orgstream/control-api';
import { finishCommand, takeCommand } from '@orgstream/database';
import { until } from '@orgstream/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ControlContext, type TenantFixture } from './fixture.ts';

/** What somebody tries who means harm, or does not look. */

let ctx: ControlContext;
let ours: TenantFixture;
let theirs: TenantFixture;
let admin: Client;

beforeAll(async () => {
  ctx = await ControlContext.open({ CONTROL_WAIT_MS: 2_000, CONTROL_REFUSED_PER_MINUTE: 1_000 });
  ours = await ctx.addTenant('eu1.42');
  theirs = await ctx.addTenant('eu1.43');
  admin = await ctx.client('admin');
  await ctx.db.raw(`update control.command set state = 'done'`);
});
afterAll(() => ctx?.[Symbol.asyncDispose]());

const credentials = { username: 'u', password: 'p' };
const platformUrl = 'http://127.0.0.1:9/api/v1';
const create = (body: { tenant?: string; platformUrl?: string; settings?: Record<string, unknown> }) =>
  admin.createIntegration({
    body: { tenant: 'eu1.77', platformUrl, credentials, protectOwners: false, ...body },
  });

describe('a cursor made by hand', () => {
  test.each([['0000-01-01 00:00:00.000000+00'], ['0000-02-29 00:00:00+00'], ['9999-12-31 23:59:59+00']])(
    '%s is no failure of ours',
    async (at) => {
      const cursor = btoa(JSON.stringify([at, ours.integration]));
      const asked = fetch(`${ctx.url}/v1/integrations?cursor=${cursor}`, {
        headers: { authorization: `Bearer ${await ctx.token('viewer')}` },
      });
      expect((await asked).status).toBeLessThan(500);
    },
  );
});

describe('a new integration', () => {
  test.each(['eu1.9999999999999999999', 'eu1.9223372036854775808', 'eu1.042', 'eu1.0'])(
    'of tenant %s is refused by its field: no site has this id',
    async (tenant) => {
      await expect(create({ tenant })).rejects.toMatchObject({
        code: 'REQUEST_INVALID',
        data: { status: 400, field: 'tenant' },
      });
    },
  );

  test.each([
    'https://user:word@acme.example/api/v1',
    'https://user@acme.example/api/v1',
    'https://acme.example/api/v1?key=word',
    'https://acme.example/api/v1#word',
  ])('at %s is refused: everybody who looks would read it', async (url) => {
    await expect(create({ platformUrl: url })).rejects.toMatchObject({
      code: 'REQUEST_INVALID',
      data: { status: 400, field: 'platformUrl' },
    });
  });

  test('does not begin to deactivate the people of another one on the same platform', async () => {
    const settings = { preset: 'standard', deactivateUsers: true };
    const [{ platform_url: shared }] = (
      await ctx.db.raw<{ rows: [{ platform_url: string }] }>(
        `select platform_url from control.integration where id = ?`,
        [theirs.integration],
      )
    ).rows;
    await expect(create({ platformUrl: `${shared}/`, settings })).rejects.toMatchObject({ code: 'PLATFORM_SHARED' });
    await create({ platformUrl: 'http://127.0.0.1:9/of-its-own', settings });
  });
});

test('what is asked about another tenant is not written into its audit', async () => {
  const intruder = createClient({ url: ctx.url, token: theirs.token });
  const tenant = ours.tenant;
  const asked = [
    intruder.createToken({ body: { name: 'written by a stranger', role: 'viewer', tenants: [tenant] } }),
    intruder.startReplay({ body: { what: 'facts', tenant } }),
    intruder.snapshotSource({ params: { source: 'eu1' }, body: { tenant } }),
    intruder.erasePerson({ body: { tenant, person: '7' } }),
  ];
  for (const one of await Promise.allSettled(asked)) {
    expect(one).toMatchObject({ status: 'rejected', reason: { code: 'NOT_FOUND' } });
  }
  const seen = await createClient({ url: ctx.url, token: ours.token }).listAudit();
  expect(seen.items.filter(({ outcome }) => outcome === 'NOT_FOUND')).toEqual([]);
  const all = await admin.listAudit({ query: { limit: 4 } });
  expect(JSON.stringify(all.items)).toContain(tenant);
});

describe('settings whose run is refused', () => {
  test.each(['changeSettings', 'startRun'] as const)('leave no version behind (%s)', async (how) => {
    const params = { integration: ours.integration };
    const before = await admin.getSettings({ params });
    const body = { review: !before.settings.review };
    const asked =
      how === 'changeSettings'
        ? admin.changeSettings({ params, body, ifMatch: `${before.version}-${before.newest}` })
        : admin.startRun({ params, body: { kind: 'settings', settings: body } });
    const command = await until(() => takeCommand(ctx.db, 'learningbank-sink', { kinds: ['run.start'] }), {
      deadlineMs: 5_000,
      what: 'the command',
    });
    await finishCommand(ctx.db, command!.id, { code: 'RUN_IN_PROGRESS', message: 'one is applied' });
    await expect(asked).rejects.toMatchObject({ code: 'RUN_IN_PROGRESS' });
    expect(await admin.getSettings({ params })).toMatchObject({ version: before.version, newest: before.newest });
  });
});

test('"why" that nobody answered in time is not asked of the target later', async () => {
  const viewer = await ctx.client('viewer');
  const { explained } = await viewer.getObject({
    params: { integration: ours.integration, kind: 'person', id: '1' },
  });
  expect(explained).toBeNull();
  expect(await takeCommand(ctx.db, 'learningbank-sink', { kinds: ['explain'] })).toBeUndefined();
});

test("answers that hold people's addresses are kept sealed", async () => {
  await admin.verifyIntegration({ params: { integration: ours.integration }, idempotencyKey: 'verify-once' });
  const { rows } = await ctx.db.raw<{ rows: { response: Record<string, unknown> }[] }>(
    `select response from control.idempotency where key = 'verify-once'`,
  );
  expect(Object.keys(rows[0]!.response).sort()).toEqual(['keyId', 'sealed']);
});
