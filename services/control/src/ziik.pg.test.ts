import type { Client } from '@orgstream/control-api';
import { deactivate, insertPlainRows, startZiikSimulator, type ZiikSimulator } from '@orgstream/simulator-ziik';
import { freshDatabase, until } from '@orgstream/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ControlContext, type TenantFixture } from './fixture.ts';

/** The whole Ziik, simulated: what control asks of it, and what it signs. */

let resources: AsyncDisposableStack;
let ctx: ControlContext;
let ziik: ZiikSimulator;
let ours: TenantFixture;
let admin: Client;
let siteId: string;
let people: readonly { readonly id: string; readonly email: string }[];
let params: { readonly integration: string };

const sim = async <T>(path: string, body: Readonly<Record<string, unknown>>): Promise<T> => {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${ziik.url}/_sim/${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return (await response.json().catch(() => undefined)) as T;
};
const password = 'sesame-of-a-test';
const codesOf = (findings: readonly { readonly code: string }[]): string[] => findings.map(({ code }) => code).sort();
const sender = () => ({ email: people[0]!.email, password });

beforeAll(async () => {
  resources = new AsyncDisposableStack();
  ctx = resources.use(await ControlContext.open({ CONTROL_REFUSED_PER_MINUTE: 1_000 }));
  const { url } = resources.use(await freshDatabase('ziik'));
  ziik = resources.use(await startZiikSimulator({ databaseUrl: url }));
  ({ siteId } = await insertPlainRows(ziik.pool, { people: 3, memberships: true, identifier: 'acme' }));
  ({ rows: people } = await ziik.pool.query('select id, email from users where site_id = $1 order by id', [siteId]));
  await sim('api-users', { siteId, userId: people[0]!.id, password });
  ours = await ctx.addTenant(`eu1.${siteId}`);
  await ctx.db.raw(`update sink.tenant set identifier = 'acme' where tenant = ?`, [ours.tenant]);
  admin = await ctx.client('admin');
  params = { integration: ours.integration };
});
afterAll(() => resources?.disposeAsync());

test('a sender of this Ziik is taken, one of whom it says no is not', async () => {
  const ziikUrl = `${ziik.url}/s/${siteId}`;
  const wrong = { ...sender(), password: 'wrong' };
  await expect(admin.putChannel({ params, body: { ziikUrl, sender: wrong }, ifMatch: 1 })).rejects.toMatchObject({
    code: 'ZIIK_AUTH_FAILED',
  });
  const { channel, findings } = await admin.putChannel({ params, body: { ziikUrl, sender: sender() }, ifMatch: 1 });
  expect([channel.sender.id, findings]).toEqual([Number(people[0]!.id), []]);
});

test('verify sees what has changed in this Ziik', async () => {
  const verify = async () => codesOf((await admin.verifyChannel({ params })).findings);
  expect(await verify()).toEqual(['TEXT_FIELDS_UNKNOWN']);
  await ziik.pool.query('update users set admin = true where id = $1', [people[0]!.id]);
  await sim('settings', { siteId, chat: false });
  expect(await verify()).toEqual(['CHAT_MODULE_OFF', 'SENDER_IS_ADMINISTRATOR', 'TEXT_FIELDS_UNKNOWN']);
  await deactivate(ziik.pool, siteId, people[0]!.id);
  const refused = await admin.verifyChannel({ params });
  expect([refused.ok, codesOf(refused.findings)]).toEqual([false, ['TEXT_FIELDS_UNKNOWN', 'ZIIK_AUTH_FAILED']]);
});

test('an administrator of this Ziik signs in with what it signs, also after its key was rotated', async () => {
  const iss = `${ziik.url}/s/${siteId}`;
  const jwksUrl = `${iss}/.well-known/jwks.json`;
  await admin.createIssuer({ body: { iss, source: 'eu1', tenant: ours.tenant, jwksUrl } });
  const { id } = people[2]!;
  await ctx.db.raw(`update sink.person set admin = true where tenant = ? and id = ?`, [ours.tenant, id]);
  const signIn = async () => {
    const { assertion } = await sim<{ assertion: string }>('assertions', { siteId, userId: id, aud: 'control' });
    return admin.createSession({ body: { assertion } });
  };
  expect(await signIn()).toMatchObject({ tenant: ours.tenant, person: id });
  await sim('keys', { siteId, rotate: true });
  // Keys are fetched again at most every ten seconds.
  const again = await until(() => signIn().catch(() => undefined), { deadlineMs: 60_000, what: 'the new key' });
  expect(again).toMatchObject({ tenant: ours.tenant, person: id });
});
