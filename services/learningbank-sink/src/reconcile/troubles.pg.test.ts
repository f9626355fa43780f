import { until } from '@orgstream/testkit';
import { expect, test } from 'vitest';
import { member, person, SinkContext, unit } from './fixture.ts';

const someone = (id: string) => [person(id), member(`m${id}`, id, '1')];

test('a 403 on the platform itself pauses it: nothing is parked, it resumes alone', async () => {
  await using ctx = await SinkContext.open();
  const platform = await ctx.platform();
  const integration = await ctx.integrate(platform);
  await ctx.commit(unit('1', null, 'Acme'), ...someone('a'));
  ctx.start();
  await ctx.prove();
  await ctx.converged();
  await platform.fault({ kind: 'forbidden' });
  await ctx.commit(...someone('b'), ...someone('c'));
  await until(async () => (await ctx.state(integration)).code !== null, {
    deadlineMs: 5_000,
    what: 'the pause to be visible',
  });
  expect((await ctx.work()).every(({ state, attempts }) => state === 'ready' && attempts === 0)).toBe(true);
  await platform.heal();
  await ctx.converged();
  expect((await platform.state()).users).toHaveLength(3);
  expect(await ctx.work()).toEqual([]);
});

test('a listing that fails half-way goes on at the page where it stopped', async () => {
  await using ctx = await SinkContext.open();
  const users = Array.from({ length: 450 }, (_, n) => ({ firstName: 'F', lastName: 'L', email: `u${n}@example.org` }));
  const platform = await ctx.platform({ users });
  await ctx.integrate(platform);
  await ctx.commit(unit('1', null, 'Acme'), person('a', { email: 'u449@example.org' }), member('ma', 'a', '1'));
  await platform.fault({ kind: 'status', status: 503, count: 2, match: { method: 'GET', route: '/users' } });
  ctx.start();
  await ctx.prove();
  await ctx.converged();
  const calls = await platform.calls();
  expect(calls.filter(({ route, status }) => route === '/users' && status === 200)).toHaveLength(3);
  expect(calls.filter(({ route }) => route === '/departments')).toHaveLength(1);
  expect((await platform.state()).users).toHaveLength(450);
  const listed = async () => (await ctx.db.raw<{ rows: unknown[] }>(`select from sink.target`)).rows.length;
  await until(async () => (await listed()) === 0, { deadlineMs: 2_000, what: 'the listing to be forgotten' });
});

test('an integration removed in mid-call leaves nothing behind and stops nobody', async () => {
  await using ctx = await SinkContext.open();
  const platform = await ctx.platform();
  const removed = await ctx.integrate(platform);
  await ctx.integrate(platform, { tenant: 'eu1.43' });
  const other = { tenant: 'eu1.43' };
  await ctx.commit(unit('1', null, 'Acme'), ...someone('a'), [
    'unit',
    '1',
    { ...other, parentId: null, name: 'Other' },
  ]);
  ctx.start();
  await ctx.prove();
  await ctx.prove('eu1.43');
  await ctx.converged();
  await platform.fault({ kind: 'latency', ms: 400, match: { method: 'POST', route: '/users' } });
  await ctx.commit(...someone('b'), ...someone('c'));
  await until(async () => (await ctx.openAttempts()) === 2, { deadlineMs: 5_000, what: 'two calls under way' });
  await ctx.db.raw(`delete from control.integration where id = ?`, [removed]);
  await ctx.commit(
    ['person', 'z', { ...other, firstName: 'Z', lastName: 'Z', email: 'pz@example.org' }],
    ['membership', 'mz', { ...other, personId: 'z', unitId: '1' }],
  );
  await ctx.converged();
  expect((await platform.state()).users.some(({ email }) => email === 'pz@example.org')).toBe(true);
  const { rows } = await ctx.db.raw<{ rows: { n: string }[] }>(
    `select (select count(*) from sink.link where integration_id = :removed) + (select count(*) from sink.work where integration_id = :removed) as n`,
    { removed },
  );
  expect(Number(rows[0]!.n)).toBe(0);
});

test('leavers overtake a first sync that is under way', async () => {
  await using ctx = await SinkContext.open();
  const platform = await ctx.platform({ users: [] });
  await ctx.integrate(platform);
  const people = Array.from({ length: 120 }, (_, n) => `x${n}`);
  await ctx.commit(unit('1', null, 'Acme'), ...people.flatMap(someone));
  await platform.fault({ kind: 'latency', ms: 60, match: { method: 'POST', route: '/users' } });
  ctx.start({ concurrency: 2, objectsInFlight: 8 });
  await ctx.prove();
  const linked = await until(
    async () => {
      const { rows } = await ctx.db.raw<{ rows: { id: string }[] }>(
        `select id from sink.link where kind = 'person' limit 1`,
      );
      return rows[0]?.id;
    },
    { deadlineMs: 10_000, what: 'the first person' },
  );
  await ctx.commit(person(linked, { active: false }));
  await until(async () => (await platform.state()).users.some(({ isActive }) => !isActive), {
    deadlineMs: 5_000,
    what: 'the leaver',
  });
  expect((await platform.state()).users.length).toBeLessThan(60);
});

test('a call that was made but could not be recorded is found at the target, not repeated', async () => {
  await using ctx = await SinkContext.open();
  const platform = await ctx.platform();
  await ctx.integrate(platform);
  await ctx.commit(unit('1', null, 'Acme'), ...someone('a'));
  ctx.start();
  await ctx.prove();
  await ctx.converged();
  // As if the connection were lost at the moment of the record.
  await ctx.db.raw(`
    create function public.lose() returns trigger language plpgsql as $$
      begin raise exception 'connection lost' using errcode = '57P01'; end $$`);
  await ctx.db.raw(
    `create trigger lose before insert or update on sink.link for each row execute function public.lose()`,
  );
  await ctx.commit(...someone('b'), person('a', { firstName: 'Grace' }));
  const userWrites = async () => (await platform.writes()).filter(({ route }) => route.startsWith('/users'));
  await until(async () => (await userWrites()).length === 3, { deadlineMs: 5_000, what: 'both calls' });
  await ctx.db.raw(`drop trigger lose on sink.link`);
  await ctx.converged();
  expect(await userWrites()).toHaveLength(3);
  expect(await ctx.openAttempts()).toBe(0);
  expect(await ctx.work()).toEqual([]);
});
