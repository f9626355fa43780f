import { createClient, type Client } from '@orgstream/control-api';
import { until } from '@orgstream/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ControlContext, type TenantFixture } from './fixture.ts';
import { addIssuer, type TestIssuer } from './issuer-fixture.ts';

/** An administrator of a Ziik signs in: person 8 of each tenant is one, the others are not. */

let ctx: ControlContext;
let ours: TenantFixture;
let theirs: TenantFixture;
let admin: Client;
let anybody: Client;
let issuer: TestIssuer;
let site = 100;

beforeAll(async () => {
  ctx = await ControlContext.open({
    CONTROL_REFUSED_PER_MINUTE: 1_000,
    CONTROL_WAIT_MS: 0,
    CONTROL_KEEP_ALIVE_MS: 100,
  });
  admin = await ctx.client('admin');
  anybody = createClient({ url: ctx.url });
});
afterAll(() => ctx?.[Symbol.asyncDispose]());
beforeEach(async () => {
  ours = await ctx.addTenant(`eu1.${(site += 1)}`);
  theirs = await ctx.addTenant(`eu1.${(site += 1)}`);
  issuer = await addIssuer(ctx.db, ours.tenant);
});

const signIn = async (claims: Parameters<TestIssuer['assert']>[0], by = issuer) =>
  anybody.createSession({ body: { assertion: await by.assert(claims) } });
const as = (token: string): Client => createClient({ url: ctx.url, token });
const refused = (code: string, status: number) =>
  expect.objectContaining({ code, data: expect.objectContaining({ status }) });
const lastAudit = async () => (await admin.listAudit({ query: { limit: 1 } })).items[0];

describe('signing in', () => {
  test("makes an administrator admin of that tenant's integrations, for an hour", async () => {
    const { token, expiresAt, tenant, person } = await signIn({ sub: '8' });
    expect([tenant, person]).toEqual([ours.tenant, '8']);
    const left = Date.parse(expiresAt) - Date.now();
    expect([left > 3_000_000, left <= 3_600_000]).toEqual([true, true]);
    const client = as(token);
    const { items } = await client.listIntegrations();
    expect(items.map(({ id }) => id)).toEqual([ours.integration]);
    const params = { integration: ours.integration };
    expect(await client.changeIntegration({ params, body: { name: 'Mine' }, ifMatch: 1 })).toMatchObject({
      name: 'Mine',
    });
    expect(await lastAudit()).toMatchObject({
      actor: `administrator 8 of ${ours.tenant}`,
      action: 'changeIntegration',
      tenant: ours.tenant,
      outcome: 'ok',
    });
    await expect(client.getIntegration({ params: { integration: theirs.integration } })).rejects.toEqual(
      refused('NOT_FOUND', 404),
    );
  });

  test('is refused to everybody else of the tenant, and that is on record', async () => {
    await expect(signIn({ sub: '7' })).rejects.toEqual(refused('ADMIN_REQUIRED', 403));
    expect(await lastAudit()).toMatchObject({
      actor: 'nobody',
      action: 'createSession',
      tenant: ours.tenant,
      object: { person: '7' },
      outcome: 'ADMIN_REQUIRED',
    });
    await expect(signIn({ sub: '4711' })).rejects.toEqual(refused('ADMIN_REQUIRED', 403));
  });

  test('takes an assertion once, also of two who come at once', async () => {
    const assertion = await issuer.assert({ sub: '8' });
    const all = await Promise.allSettled([1, 2, 3].map(() => anybody.createSession({ body: { assertion } })));
    expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    await expect(anybody.createSession({ body: { assertion } })).rejects.toEqual(refused('ASSERTION_USED', 401));
  });

  test("takes no word of a Tamigo's for who administers a Ziik", async () => {
    await ctx.db.raw(`update control.issuer set product = 'tamigo' where tenant = ?`, [ours.tenant]);
    await expect(signIn({ sub: '8' })).rejects.toEqual(refused('ISSUER_UNKNOWN', 401));
  });

  test('burns the assertion of who is refused', async () => {
    const assertion = await issuer.assert({ sub: '7' });
    await expect(anybody.createSession({ body: { assertion } })).rejects.toEqual(refused('ADMIN_REQUIRED', 403));
    await ctx.db.raw(`update sink.person set admin = true where tenant = ? and id = '7'`, [ours.tenant]);
    await expect(anybody.createSession({ body: { assertion } })).rejects.toEqual(refused('ASSERTION_USED', 401));
  });

  test('refuses an assertion for an integration, an old one, and one of nobody known', async () => {
    const old = Math.floor(Date.now() / 1_000) - 120;
    const { iss } = await addIssuer(ctx.db, theirs.tenant);
    await expect(signIn({ sub: '8', aud: ours.integration })).rejects.toEqual(refused('ASSERTION_INVALID', 401));
    await expect(signIn({ sub: '8', iat: old, exp: old + 60 })).rejects.toEqual(refused('ASSERTION_INVALID', 401));
    await expect(signIn({ sub: '8', iss })).rejects.toEqual(refused('ASSERTION_INVALID', 401));
    await expect(signIn({ sub: '8', iss: 'https://nobody.example' })).rejects.toEqual(refused('ISSUER_UNKNOWN', 401));
    expect(ctx.logs.join('')).not.toMatch(/eyJ/);
  });
});

test('an installation with an audience of its own takes no assertion that was made out to another', async () => {
  await using own = await ControlContext.open({ CONTROL_AUDIENCE: 'https://eu.control.example' });
  const { tenant } = await own.addTenant('eu1.42');
  const signer = await addIssuer(own.db, tenant);
  const there = createClient({ url: own.url });
  const enter = async (aud: unknown) =>
    there.createSession({ body: { assertion: await signer.assert({ sub: '8', aud }) } });
  for (const aud of ['control', 'https://us.control.example', ['https://eu.control.example', 'control']]) {
    await expect(enter(aud)).rejects.toEqual(refused('ASSERTION_INVALID', 401));
  }
  expect(await enter('https://eu.control.example')).toMatchObject({ tenant, person: '8' });
});

describe('an issuer of a whole source', () => {
  test('signs in for the one tenant that knows the person', async () => {
    const whole = await addIssuer(ctx.db, null);
    const person = `${9_000 + site}`;
    await ctx.db.raw(`update sink.person set id = ? where tenant = ? and id = '8'`, [person, theirs.tenant]);
    expect(await signIn({ sub: person }, whole)).toMatchObject({ tenant: theirs.tenant });
    const email = { right: 'ANN8@secret.example', wrong: 'other@secret.example' };
    expect(await signIn({ sub: person, email: email.right }, whole)).toMatchObject({ person });
    await expect(signIn({ sub: person, email: email.wrong }, whole)).rejects.toEqual(refused('ADMIN_REQUIRED', 403));
  });

  test('signs nobody in whom two tenants know', async () => {
    await expect(signIn({ sub: '8' }, await addIssuer(ctx.db, null))).rejects.toEqual(refused('ADMIN_REQUIRED', 403));
  });
});

describe('a session', () => {
  const person = (set: string) => `update sink.person set ${set} where tenant = :tenant and id = '8'`;
  test.each([
    ['is no administrator any more', person('admin = false')],
    ['of whom nobody says that he is one', person('admin = null')],
    ['is inactive', person('active = false')],
    ['is deleted', person('deleted = true')],
    ['is anonymised', person('anonymised = true')],
    ['has expired', person(`expires_at = now() - interval '1 second'`)],
    ['is gone from the replica', `delete from sink.person where tenant = :tenant`],
    ['was erased', `insert into sink.erased (tenant, person_id) values (:tenant, '8')`],
    ['has a Ziik that is gone', `update sink.tenant set deleted = true where tenant = :tenant`],
    ['has a tenant without integration', `delete from control.integration where tenant = :tenant`],
  ])('of who %s is refused with the next request', async (_, sql) => {
    const client = as((await signIn({ sub: '8' })).token);
    await client.listIntegrations();
    await ctx.db.raw(sql, { tenant: ours.tenant });
    await expect(client.listIntegrations()).rejects.toEqual(refused('ADMIN_REQUIRED', 403));
    expect(await lastAudit()).toMatchObject({ action: 'listIntegrations', outcome: 'ADMIN_REQUIRED' });
  });

  test('of somebody else of the tenant who leaves has no part in that', async () => {
    const client = as((await signIn({ sub: '8' })).token);
    await ctx.db.raw(`insert into sink.erased (tenant, person_id) values (?, '7'), (?, '8')`, [
      ours.tenant,
      theirs.tenant,
    ]);
    await ctx.db.raw(`update sink.person set active = false where tenant = ? and id = '7'`, [ours.tenant]);
    await ctx.db.raw(`update sink.person set admin = false where tenant = ?`, [theirs.tenant]);
    expect(await client.getStop()).toBeDefined();
  });

  test('of who will expire later, or is administrator again, goes on', async () => {
    const client = as((await signIn({ sub: '8' })).token);
    const set = (sql: string) => ctx.db.raw(person(sql), { tenant: ours.tenant });
    await set(`expires_at = now() + interval '1 hour', admin = false`);
    await expect(client.getStop()).rejects.toEqual(refused('ADMIN_REQUIRED', 403));
    await set('admin = true');
    expect(await client.getStop()).toMatchObject({ stopped: false });
  });

  test('ends when it is ended, and when its issuer is trusted no longer', async () => {
    const [one, two] = [as((await signIn({ sub: '8' })).token), as((await signIn({ sub: '8' })).token)];
    await one.endSession();
    await expect(one.getStop()).rejects.toEqual(refused('TOKEN_REFUSED', 401));
    expect(await two.getStop()).toBeDefined();
    await admin.removeIssuer({ params: { issuer: issuer.id } });
    await expect(two.getStop()).rejects.toEqual(refused('TOKEN_REFUSED', 401));
    await expect(signIn({ sub: '8' })).rejects.toEqual(refused('ISSUER_UNKNOWN', 401));
  });

  test('sees no token, makes none, and sees no issuer of all tenants', async () => {
    const client = as((await signIn({ sub: '8' })).token);
    const whole = await addIssuer(ctx.db, null);
    const tenants = [ours.tenant];
    const tried = [
      client.listTokens(),
      client.createToken({ body: { name: 'for ever', role: 'admin', tenants } }),
      client.createIssuer({
        body: { iss: 'https://evil.example', source: 'eu1', tenant: ours.tenant, jwksUrl: 'https://evil.example/k' },
      }),
      client.removeIssuer({ params: { issuer: issuer.id } }),
      client.setStop({ body: { stopped: true } }),
      client.snapshotSource({ params: { source: 'eu1' }, body: {} }),
      client.startReplay({ body: { what: 'facts' } }),
    ];
    for (const one of await Promise.allSettled(tried)) {
      expect(one).toEqual({ status: 'rejected', reason: refused('ROLE_TOO_LOW', 403) });
    }
    const { items } = await client.listIssuers();
    expect(items.map(({ id }) => id)).toEqual([issuer.id]);
    expect(JSON.stringify(await client.listAudit())).not.toContain(whole.iss);
    expect((await admin.listIssuers({ query: { limit: 500 } })).items.map(({ id }) => id)).toContain(whole.id);
  });

  test('that streams is ended when its owner is no administrator any more', async () => {
    const client = as((await signIn({ sub: '8' })).token);
    let ended = false;
    let events = 0;
    const reading = (async () => {
      for await (const _ of client.stream()) events += 1;
      ended = true;
    })();
    await until(() => events > 0, { deadlineMs: 20_000, what: 'an event' });
    await ctx.db.raw(person('admin = false'), { tenant: ours.tenant });
    await until(() => ended, { deadlineMs: 20_000, what: 'the end of the stream' });
    await reading;
  });
});

test('an operator sees sessions among the tokens, and can revoke one', async () => {
  const { token } = await signIn({ sub: '8' });
  const { items } = await (await ctx.client('admin', [ours.tenant])).listTokens({ query: { limit: 500 } });
  const session = items.find(({ person }) => person === '8');
  expect(session).toMatchObject({ role: 'admin', tenants: [ours.tenant], createdBy: issuer.iss });
  await admin.revokeToken({ params: { token: session!.id } });
  await expect(as(token).getStop()).rejects.toEqual(refused('TOKEN_REFUSED', 401));
});

test('who is refused a session too often has to wait, and tokens that are known go on', async () => {
  await using small = await ControlContext.open({ CONTROL_REFUSED_PER_MINUTE: 3 });
  const known = await small.client('viewer');
  await known.getStop();
  const guess = createClient({ url: small.url });
  const codes: unknown[] = [];
  for (let n = 0; n < 6; n += 1) {
    await guess.createSession({ body: { assertion: 'e30.e30.e30' } }).catch((error: { code: string }) => {
      codes.push(error.code);
    });
  }
  expect(codes[0]).toBe('ASSERTION_INVALID');
  expect(codes.at(-1)).toBe('TOO_MANY_REQUESTS');
  expect(await known.getStop()).toBeDefined();
  const { rows } = await small.db.raw<{ rows: { n: number }[] }>(`select count(*)::int as n from control.audit`);
  expect(rows[0]!.n).toBeLessThan(6);
});
