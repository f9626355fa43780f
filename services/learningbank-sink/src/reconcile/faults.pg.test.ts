import { until } from '@orgstream/testkit';
import { expect, test } from 'vitest';
import { assigned, member, person, quick, role, type Running, SinkContext, type SimPlatform, unit } from './fixture.ts';

interface Scene {
  readonly ctx: SinkContext;
  readonly platform: SimPlatform;
  readonly integration: string;
  readonly running: Running;
}

/** A tenant in step: two units below the top, a role, two people. */
async function inStep(ctx: SinkContext, settings: Partial<typeof quick> = {}): Promise<Scene> {
  const platform = await ctx.platform();
  const integration = await ctx.integrate(platform);
  await ctx.commit(
    unit('1', null, 'Acme'),
    unit('11', '1', 'North'),
    unit('12', '1', 'South'),
    role('7', 'Barista'),
    ...['a', 'b'].flatMap((id) => [person(id), member(`m${id}`, id, '11'), assigned(`a${id}`, `m${id}`, '7')]),
  );
  const running = ctx.start(settings);
  await ctx.prove();
  await ctx.converged();
  return { ctx, platform, integration, running };
}

const emails = async (platform: SimPlatform): Promise<readonly string[]> =>
  (await platform.state()).users.map(({ email }) => email ?? '').toSorted();

test.each([
  ['the connection is reset after the write', { kind: 'reset_after_write', count: 1 }],
  ['the answer is HTML after the write', { kind: 'html', afterWrite: true, count: 1 }],
  ['the answer is empty after the write', { kind: 'empty', afterWrite: true, count: 1 }],
  ['the answer is half a JSON after the write', { kind: 'half_json', afterWrite: true, count: 1 }],
  ['a 500 comes after the write', { kind: 'status', status: 500, afterWrite: true, count: 1 }],
  ['the call hangs after the write', { kind: 'hang', afterWrite: true, count: 1 }],
  ['a 200 shows other values', { kind: 'lying_values', count: 1 }],
  ['the connection is reset before the write', { kind: 'reset_before', count: 1 }],
])('a create goes through once although %s', async (_, fault) => {
  await using ctx = await SinkContext.open();
  const { platform } = await inStep(ctx);
  await platform.fault({ ...fault, match: { method: 'POST', route: '/users' } });
  await platform.fault({ ...fault, match: { method: 'POST', route: '/departments' } });
  await ctx.commit(person('c'), member('mc', 'c', '13'), unit('13', '1', 'West'));
  await ctx.converged();
  expect(await emails(platform)).toEqual(['pa@example.org', 'pb@example.org', 'pc@example.org']);
  expect(await platform.tree()).toEqual(['/North', '/South', '/West']);
  expect(await ctx.openAttempts()).toBe(0);
});

test.each([
  ['hangs after the write', { kind: 'hang', afterWrite: true, count: 1 }],
  ['is reset after the write', { kind: 'reset_after_write', count: 1 }],
  ['lies', { kind: 'lying_values', count: 1 }],
])('an update that %s is looked at, and repeated only if it did not happen', async (_, fault) => {
  await using ctx = await SinkContext.open();
  const { platform } = await inStep(ctx);
  await platform.fault({ ...fault, match: { method: 'PATCH', route: '/users/:id' } });
  await ctx.commit(person('a', { firstName: 'Grace' }));
  await ctx.converged();
  expect((await platform.state()).users.map(({ firstName }) => firstName).toSorted()).toEqual(['First b', 'Grace']);
  expect(await ctx.openAttempts()).toBe(0);
});

test('a storm of 429 parks nothing and burns nothing', async () => {
  await using ctx = await SinkContext.open();
  const { platform } = await inStep(ctx);
  await platform.fault({ kind: 'status', status: 429, retryAfterS: 1, count: 5 });
  await ctx.commit(...['c', 'd', 'e'].flatMap((id) => [person(id), member(`m${id}`, id, '11')]));
  await until(async () => (await ctx.work()).some(({ code }) => code === 'TARGET_RATE_LIMITED'), {
    deadlineMs: 3_000,
    what: 'a 429 to be seen',
  });
  expect((await ctx.work()).every(({ state, attempts }) => state === 'ready' && attempts === 0)).toBe(true);
  await ctx.converged(30_000);
  expect(await emails(platform)).toHaveLength(5);
});

test('one poison object parks alone, and is looked at again', async () => {
  await using ctx = await SinkContext.open();
  const { platform } = await inStep(ctx);
  await platform.fault({ kind: 'status', status: 500, match: { method: 'POST', bodyIncludes: 'pc@example.org' } });
  await ctx.commit(...['c', 'd', 'e'].flatMap((id) => [person(id), member(`m${id}`, id, '11')]));
  await ctx.converged();
  expect((await ctx.work()).map(({ id, state, code }) => `${id} ${state} ${code}`)).toEqual(['c parked UNEXPECTED']);
  expect(await emails(platform)).toHaveLength(4);
  await platform.heal();
  await ctx.db.raw(`update sink.work set next_at = now()`);
  await until(async () => (await ctx.work()).length === 0, { deadlineMs: 5_000, what: 'the poison to heal' });
  expect(await emails(platform)).toHaveLength(5);
});

test('a 403 on one object parks it once the platform has answered a probe', async () => {
  await using ctx = await SinkContext.open();
  const { platform } = await inStep(ctx);
  await platform.fault({
    kind: 'forbidden',
    match: { method: 'POST', route: '/users', bodyIncludes: 'pc@example.org' },
  });
  await ctx.commit(...['c', 'd'].flatMap((id) => [person(id), member(`m${id}`, id, '11')]));
  await ctx.converged();
  expect((await ctx.work()).map(({ id, code }) => `${id} ${code}`)).toEqual(['c TARGET_FORBIDDEN']);
  expect(await emails(platform)).toHaveLength(3);
});

test('refused credentials pause the platform; it resumes alone, nothing parked', async () => {
  await using ctx = await SinkContext.open();
  const { platform, integration } = await inStep(ctx);
  const { password } = platform.facts.credentials;
  await platform.settings({ credentials: { password: 'another' } });
  await ctx.commit(...['c', 'd'].flatMap((id) => [person(id), member(`m${id}`, id, '11')]));
  await until(async () => (await ctx.state(integration)).code === 'TARGET_AUTH_FAILED', {
    deadlineMs: 5_000,
    what: 'the refusal to be visible',
  });
  expect((await ctx.work()).every(({ state, attempts }) => state === 'ready' && attempts === 0)).toBe(true);
  await platform.settings({ credentials: { password } });
  await ctx.converged();
  expect(await ctx.state(integration)).toEqual({ state: 'live', code: null });
  expect(await emails(platform)).toHaveLength(4);
});

test('wrong credentials from the start are visible, and healed by new ones', async () => {
  await using ctx = await SinkContext.open();
  const platform = await ctx.platform();
  const integration = await ctx.integrate(platform, { password: 'wrong' });
  await ctx.commit(unit('1', null, 'Acme'), person('a'), member('ma', 'a', '1'));
  ctx.start();
  await ctx.prove();
  await until(async () => (await ctx.state(integration)).code === 'TARGET_AUTH_FAILED', {
    deadlineMs: 5_000,
    what: 'the refusal to be visible',
  });
  await platform.settings({ credentials: { password: 'wrong' } });
  await ctx.db.raw(`update control.integration set generation = generation + 1`);
  await ctx.converged();
  expect(await emails(platform)).toEqual(['pa@example.org']);
});

test('a platform that is down for a while parks nothing and is caught up with', async () => {
  await using ctx = await SinkContext.open();
  const { platform } = await inStep(ctx);
  await platform.fault({ kind: 'status', status: 503 });
  const people = Array.from({ length: 30 }, (_, n) => `x${n}`);
  await ctx.commit(...people.flatMap((id) => [person(id), member(`m${id}`, id, '11')]));
  await until(
    async () => {
      const { rows } = await ctx.db.raw<{ rows: { breaker: string }[] }>(`select breaker from sink.platform`);
      return rows.some(({ breaker }) => breaker === 'open');
    },
    { deadlineMs: 10_000, what: 'the breaker to open' },
  );
  await platform.heal();
  await ctx.converged(30_000);
  expect(await ctx.work()).toEqual([]);
  expect(await emails(platform)).toHaveLength(32);
});

test('a department deleted by hand is made anew, and its people move in again', async () => {
  await using ctx = await SinkContext.open();
  const { platform } = await inStep(ctx);
  const north = (await platform.state()).departments.find(({ name }) => name === 'North')!;
  const { accessToken } = await login(platform);
  const deleted = await fetch(`${platform.facts.url}/departments/${north.id}`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${accessToken}` },
  });
  expect(deleted.status).toBe(204);
  await ctx.commit(unit('11', '1', 'Nord'), person('c'), member('mc', 'c', '11'));
  await ctx.converged();
  expect(await platform.tree()).toEqual(['/Nord', '/South']);
  const nord = (await platform.state()).departments.find(({ name }) => name === 'Nord')!;
  const { users } = await platform.state();
  expect(users.map(({ departmentIds }) => departmentIds)).toEqual([[nord.id], [nord.id], [nord.id]]);
});

async function login({ facts }: SimPlatform): Promise<{ accessToken: string }> {
  const response = await fetch(`${facts.url}/auth/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(facts.credentials),
  });
  return (await response.json()) as { accessToken: string };
}
