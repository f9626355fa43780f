import type { Client } from '@orgstream/control-api';
import { startSimulator, type Simulator } from '@orgstream/simulator-learningbank';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ControlContext } from './fixture.ts';

interface Platform {
  readonly url: string;
  readonly credentials: { readonly username: string; readonly password: string; readonly token: string };
}

let ctx: ControlContext;
let simulator: Simulator;
let platform: Platform;
let admin: Client;

beforeAll(async () => {
  ctx = await ControlContext.open();
  simulator = await startSimulator();
  admin = await ctx.client('admin');
  const response = await fetch(`${simulator.url}/_sim/platforms`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      name: 'acme',
      users: [
        { firstName: 'Olga', lastName: 'Owner', email: 'Olga@Acme.example', permissionTypes: ['Owner'] },
        { firstName: 'Ulf', lastName: 'User', email: 'ulf@acme.example', permissionTypes: ['User'] },
      ],
    }),
  });
  platform = (await response.json()) as Platform;
});
afterAll(async () => {
  await simulator?.close();
  await ctx?.[Symbol.asyncDispose]();
});

const create = (tenant: string, protectOwners: boolean, credentials = platform.credentials) =>
  admin.createIntegration({ body: { tenant, platformUrl: platform.url, credentials, protectOwners } });
const codesOf = (findings: readonly { readonly code: string }[]): string[] => findings.map(({ code }) => code).sort();

test('Owners of the platform are protected from the start, and nobody else', async () => {
  const { integration, findings } = await create('eu1.1', true);
  expect(findings).toEqual([]);
  const { settings } = await admin.getSettings({ params: { integration: integration.id } });
  expect(settings.protectedEmails).toEqual(['olga@acme.example']);
});

test('verify warns of what the vendor says should be set up first, and proposes the Owners', async () => {
  const { integration } = await create('eu1.2', false);
  const { ok, findings, proposed } = await admin.verifyIntegration({ params: { integration: integration.id } });
  expect(ok).toBe(true);
  expect(codesOf(findings)).toEqual([
    'ISSUER_MISSING',
    'NOTIFICATIONS_ON',
    'NO_DEFAULT_JOB_PROFILE',
    'OWNERS_NOT_PROTECTED',
    'PLATFORM_SHARED',
  ]);
  expect(proposed.protectedEmails).toEqual(['olga@acme.example']);
});

test('what is set up well is not warned of', async () => {
  const { integration } = await create('eu1.3', true);
  const params = { integration: integration.id };
  await admin.changeSettings({ params, body: { defaults: { jobProfileId: 7 } }, ifMatch: '1-1' });
  await admin.createIssuer({
    body: { iss: 'https://ziik.example', source: 'eu1', jwksUrl: 'https://ziik.example/jwks.json' },
  });
  const { findings } = await admin.verifyIntegration({ params });
  expect(codesOf(findings)).toEqual(['NOTIFICATIONS_ON', 'PLATFORM_SHARED']);
});

test('wrong credentials are an error that says what to do, and are renewed by a change', async () => {
  const { integration } = await create('eu1.4', false, { ...platform.credentials, password: 'wrong' });
  const params = { integration: integration.id };
  const before = await admin.verifyIntegration({ params });
  expect(before).toMatchObject({ ok: false });
  expect(codesOf(before.findings)).toContain('TARGET_AUTH_FAILED');
  await admin.changeIntegration({ params, body: { credentials: platform.credentials }, ifMatch: 1 });
  expect(await admin.verifyIntegration({ params })).toMatchObject({ ok: true });
});
