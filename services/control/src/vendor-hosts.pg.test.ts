import type { Client } from '@orgstream/control-api';
import type { ErrorCode } from '@orgstream/core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ControlContext, type TenantFixture } from './fixture.ts';
import { senderOf } from './ziik-fixture.ts';

/** The addresses that control, edge and the bridge connect to, where hosts are named. Port 9 answers nobody. */

let ctx: ControlContext;
let ours: TenantFixture;
let customer: Client;
let operator: Client;

beforeAll(async () => {
  ctx = await ControlContext.open({ CONTROL_VENDOR_HOSTS: '*.vendor.example,127.0.0.1' });
  ours = await ctx.addTenant('eu1.42');
  customer = await ctx.client('admin', [ours.tenant]);
  operator = await ctx.client('admin');
});
afterAll(() => ctx?.[Symbol.asyncDispose]());

const inside = 'https://10.0.0.1/api';
const plain = 'http://127.0.0.1:9/api';
const code = (expected: ErrorCode, field: string) =>
  expect.objectContaining({ code: expected, data: expect.objectContaining({ field }) });

const create = (platformUrl: string, protectOwners = false) =>
  customer.createIntegration({
    body: { tenant: ours.tenant, platformUrl, credentials: { username: 'u', password: 'p' }, protectOwners },
  });
const params = () => ({ integration: ours.integration });
const put = (ziikUrl: string) =>
  customer.putChannel({ params: params(), body: { ziikUrl, sender: senderOf }, ifMatch: 1 });
const change = (ziikUrl: string) =>
  customer.changeChannel({ params: params(), body: { ziikUrl, sender: senderOf }, ifMatch: 1 });
const issue = (jwksUrl: string) =>
  operator.createIssuer({ body: { iss: 'https://ziik.example', source: 'eu1', jwksUrl } });

test.each([inside, plain])('%s is no platform, no Ziik and no key set', async (url) => {
  await expect(create(url, true)).rejects.toEqual(code('REQUEST_INVALID', 'platformUrl'));
  await expect(put(url)).rejects.toEqual(code('REQUEST_INVALID', 'ziikUrl'));
  await expect(change(url)).rejects.toEqual(code('REQUEST_INVALID', 'ziikUrl'));
  await expect(issue(url)).rejects.toEqual(code('REQUEST_INVALID', 'jwksUrl'));
  await expect(put(url)).rejects.toThrow(/CONTROL_VENDOR_HOSTS/);
});

test('what is on a named host is connected to', async () => {
  const { integration } = await create('https://eu.vendor.example/v1');
  expect(integration.platformUrl).toBe('https://eu.vendor.example/v1');
  await expect(put('https://127.0.0.1:9')).rejects.toEqual(code('ZIIK_UNREACHABLE', 'sender'));
  await expect(change('https://127.0.0.1:9')).rejects.toEqual(code('ZIIK_UNREACHABLE', 'sender'));
  expect(await issue('https://keys.vendor.example/jwks.json')).toMatchObject({ source: 'eu1' });
});

test('a channel from before can be switched, and its sender renewed', async () => {
  const { channel } = await customer.changeChannel({
    params: params(),
    body: { sender: senderOf, quiet: true },
    ifMatch: 1,
  });
  expect(channel).toMatchObject({ quiet: true, ziikUrl: ctx.ziik.urlOf(ours.tenant) });
});
