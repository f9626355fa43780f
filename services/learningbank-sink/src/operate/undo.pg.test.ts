import { until } from '@orgstream/testkit';
import { expect, test } from 'vitest';
import { query } from '../ingest/query.ts';
import {
  assigned,
  gone,
  member,
  person,
  role,
  type Said,
  SinkContext,
  type SimPlatform,
  unit,
} from '../reconcile/fixture.ts';
import { Operator } from './fixture.ts';

async function synced(
  ctx: SinkContext,
  ...said: readonly Said[]
): Promise<{ readonly platform: SimPlatform; readonly operator: Operator }> {
  const tree = [unit('1', null, 'Acme'), unit('2', '1', 'Shop'), unit('3', '1', 'Office'), role('r', 'Seller')];
  const people = [person('7'), member('m7', '7', '2'), person('8'), member('m8', '8', '3')];
  const { platform, integration } = await ctx.synced(...tree, ...people, ...said);
  return { platform, operator: new Operator(ctx, integration) };
}

async function userOf(platform: SimPlatform, email: string) {
  const { users } = await platform.state();
  return users.find((user) => user.email === email);
}

const calls = async (platform: SimPlatform): Promise<number> => (await platform.writes()).length;

test('every field of a person goes back, and stays back until the source changes the person again', async () => {
  await using ctx = await SinkContext.open();
  const { platform, operator } = await synced(ctx);
  const before = await userOf(platform, 'p7@example.org');
  await ctx.commit(
    person('7', { firstName: 'Changed', email: 'new@example.org' }),
    member('m7', '7', '3'),
    assigned('a7', 'm7', 'r'),
  );
  await ctx.converged();
  expect(await userOf(platform, 'new@example.org')).not.toMatchObject({ departmentIds: before!.departmentIds });
  const run = await operator.plan('undo', { kind: 'person', id: '7' });
  expect(await operator.items(run)).toMatchObject([
    {
      operations: ['move', 'rename', 'permission_removed', 'email_changed'],
      before: { firstName: 'Changed', departments: ['unit/3'], permissionTypes: ['r'] },
      after: { firstName: 'First 7', departments: ['unit/2'], permissionTypes: [] },
    },
  ]);
  await operator.approve(run);
  expect(await operator.items(run)).toMatchObject([{ state: 'applied', code: null }]);
  const { firstName, lastName, departmentIds, permissionTypeIds, jobProfileId, isActive } = before!;
  expect(await userOf(platform, 'p7@example.org')).toMatchObject({
    firstName,
    lastName,
    departmentIds,
    permissionTypeIds,
    jobProfileId,
    isActive,
  });
  expect(await ctx.work()).toMatchObject([{ kind: 'person', id: '7', state: 'held', code: 'UNDONE' }]);
  const sent = await calls(platform);
  // The same again, by a transaction of its own, is nothing new.
  await ctx.commit(person('7', { firstName: 'Changed', email: 'new@example.org' }), unit('3', '1', 'Office'));
  await ctx.converged();
  expect(await calls(platform)).toBe(sent);
  await ctx.commit(person('7', { firstName: 'Anew', email: 'new@example.org' }));
  await ctx.converged();
  expect(await userOf(platform, 'new@example.org')).toMatchObject({ firstName: 'Anew' });
  expect(await ctx.work()).toEqual([]);
});

test('a made user is deactivated, and a leaver comes back; neither is done again by a sync', async () => {
  await using ctx = await SinkContext.open();
  const { platform, operator } = await synced(ctx);
  await ctx.commit(person('9'), member('m9', '9', '2'));
  await ctx.commit(person('8', { active: false }));
  await ctx.converged();
  for (const id of ['9', '8']) await operator.approve(await operator.plan('undo', { kind: 'person', id }));
  expect(await userOf(platform, 'p9@example.org')).toMatchObject({ isActive: false });
  expect(await userOf(platform, 'p8@example.org')).toMatchObject({ isActive: true });
  const sent = await calls(platform);
  const sync = await operator.plan('sync');
  await operator.reached(sync, ['done']);
  expect(await calls(platform)).toBe(sent);
  expect((await ctx.work()).map(({ code }) => code)).toEqual(['UNDONE', 'UNDONE']);
});

test('a unit that was made goes, one that was deleted is made again, one that was renamed and moved goes back', async () => {
  await using ctx = await SinkContext.open();
  const { platform, operator } = await synced(ctx, unit('4', '3', 'Desk'));
  await ctx.commit(unit('5', '1', 'New'));
  await ctx.commit(gone('unit', '4'));
  await ctx.commit(unit('2', '3', 'Moved'));
  await ctx.converged();
  expect(await platform.tree()).toEqual(['/New', '/Office', '/Office/Moved']);
  for (const id of ['5', '4', '2']) await operator.approve(await operator.plan('undo', { kind: 'unit', id }));
  expect(await platform.tree()).toEqual(['/Office', '/Office/Desk', '/Shop']);
  expect((await ctx.work()).map(({ id, code }) => [id, code])).toEqual([
    ['2', 'UNDONE'],
    ['4', 'UNDONE'],
    ['5', 'UNDONE'],
  ]);
});

test('a role that was made, renamed or deleted goes back', async () => {
  await using ctx = await SinkContext.open();
  const { platform, operator } = await synced(ctx, role('s', 'Boss'), role('t', 'Cook'));
  await ctx.commit(role('u', 'Waiter'), role('s', 'Chief'), gone('role', 't'));
  await ctx.converged();
  const names = async (): Promise<readonly string[]> =>
    (await platform.state()).permissionTypes
      .filter(({ isSystem }) => !isSystem)
      .map(({ name }) => name)
      .toSorted();
  expect(await names()).toEqual(['Chief', 'Seller', 'Waiter']);
  for (const id of ['s', 't', 'u']) await operator.approve(await operator.plan('undo', { kind: 'role', id }));
  expect(await names()).toEqual(['Boss', 'Cook', 'Seller']);
});

test('a whole run goes back: people into the department that is made again', async () => {
  await using ctx = await SinkContext.open();
  const { platform, operator } = await synced(ctx);
  const { integration } = operator;
  await query(ctx.db, `update control.integration set enabled = false, generation = generation + 1 where id = ?`, [
    integration,
  ]);
  await ctx.commit(
    gone('unit', '2'),
    gone('membership', 'm7'),
    member('m77', '7', '3'),
    person('9'),
    member('m9', '9', '3'),
  );
  await ctx.commit(person('8', { lastName: 'Gap' }), role('r', 'Vendor'));
  await query(ctx.db, `update control.integration set enabled = true, generation = generation + 1 where id = ?`, [
    integration,
  ]);
  const gap = async (): Promise<string | undefined> =>
    (await query<{ id: string }>(ctx.db, `select id from sink.run where kind = 'gap' and state = 'planned'`, []))[0]
      ?.id;
  const run = await until(gap, { deadlineMs: 10_000, what: 'the gap to be planned' });
  await operator.approve(run);
  await ctx.converged();
  expect(await platform.tree()).toEqual(['/Office']);
  const undo = await operator.plan('undo', { run });
  expect((await operator.items(undo)).map(({ kind, id, operations }) => [kind, id, ...operations])).toEqual([
    ['unit', '2', 'create'],
    ['person', '9', 'deactivate'],
    ['person', '8', 'rename'],
    ['person', '7', 'move'],
    ['role', 'r', 'rename'],
  ]);
  await operator.approve(undo);
  expect((await operator.items(undo)).map(({ state }) => state)).toEqual(Array(5).fill('applied'));
  expect(await platform.tree()).toEqual(['/Office', '/Shop']);
  const { departments } = await platform.state();
  const shop = departments.find(({ name }) => name === 'Shop')!.id;
  expect(await userOf(platform, 'p7@example.org')).toMatchObject({ departmentIds: [shop] });
  expect(await userOf(platform, 'p9@example.org')).toMatchObject({ isActive: false });
  const sent = await calls(platform);
  await operator.reached(await operator.plan('sync'), ['done']);
  expect(await calls(platform)).toBe(sent);
});

test('what was changed since is refused, item by item; nothing to undo is said', async () => {
  await using ctx = await SinkContext.open();
  const { platform, operator } = await synced(ctx);
  const first = await query<{ id: string }>(ctx.db, `select id from sink.run where is_first`, []);
  await ctx.commit(person('7', { lastName: 'Later' }));
  await ctx.converged();
  const undo = await operator.plan('undo', { run: first[0]!.id });
  const items = await operator.items(undo);
  expect(items.find(({ id }) => id === '7')).toMatchObject({
    state: 'parked',
    code: 'UNDO_CHANGED_SINCE',
    operations: [],
  });
  expect(items.find(({ id }) => id === '8')).toMatchObject({ operations: ['deactivate'], code: null });
  await operator.ask('run.decide', { run: undo, decision: 'cancel', by: 'a test' });
  const none = await operator.plan('undo', { kind: 'unit', id: '1' });
  expect(await operator.items(none)).toMatchObject([{ code: 'UNDO_NOTHING' }]);
  await operator.reached(none, ['done', 'asks']);
  expect((await platform.writes()).length).toBeGreaterThan(0);
});

test('who was changed between plan and approval is left alone', async () => {
  await using ctx = await SinkContext.open();
  const { platform, operator } = await synced(ctx);
  await ctx.commit(person('7', { lastName: 'One' }));
  await ctx.converged();
  const undo = await operator.plan('undo', { kind: 'person', id: '7' });
  await ctx.commit(person('7', { lastName: 'Two' }));
  await ctx.converged();
  await operator.approve(undo);
  expect(await operator.items(undo)).toMatchObject([{ state: 'superseded', code: 'UNDO_CHANGED_SINCE' }]);
  expect(await userOf(platform, 'p7@example.org')).toMatchObject({ lastName: 'Two' });
  await ctx.converged();
  expect(await ctx.work()).toEqual([]);
});

test('an undo can be undone: the object is in step again, and nothing is held', async () => {
  await using ctx = await SinkContext.open();
  const { platform, operator } = await synced(ctx);
  await ctx.commit(person('7', { lastName: 'Later' }));
  await ctx.converged();
  await operator.approve(await operator.plan('undo', { kind: 'person', id: '7' }));
  expect(await userOf(platform, 'p7@example.org')).toMatchObject({ lastName: 'Last 7' });
  await operator.approve(await operator.plan('undo', { kind: 'person', id: '7' }));
  expect(await userOf(platform, 'p7@example.org')).toMatchObject({ lastName: 'Later' });
  expect(await ctx.work()).toEqual([]);
});

test('released, what was undone is done again', async () => {
  await using ctx = await SinkContext.open();
  const { platform, operator } = await synced(ctx);
  await ctx.commit(person('7', { lastName: 'Later' }));
  await ctx.converged();
  await operator.approve(await operator.plan('undo', { kind: 'person', id: '7' }));
  const objects = [{ kind: 'person', id: '7' } as const];
  expect(await operator.act('approve', { objects })).toMatchObject({ code: 'ACTION_NOT_POSSIBLE' });
  expect(await operator.act('release', { objects })).toMatchObject({ state: 'done' });
  await ctx.converged();
  expect(await userOf(platform, 'p7@example.org')).toMatchObject({ lastName: 'Later' });
  expect(await ctx.work()).toEqual([]);
});

test('an undo is of one object or one run of this integration, and of one that has ended', async () => {
  await using ctx = await SinkContext.open();
  const { operator } = await synced(ctx);
  const states = async (scope: Parameters<Operator['plan']>[1]): Promise<unknown> =>
    operator.run(await operator.plan('undo', scope));
  expect(await states({ all: true })).toMatchObject({ state: 'failed', code: 'ACTION_NOT_POSSIBLE' });
  const other = '00000000-0000-4000-8000-000000000000';
  expect(await states({ run: other })).toMatchObject({ state: 'failed', code: 'NOT_FOUND' });
  const drift = await operator.plan('drift');
  await operator.reached(drift, ['done']);
  expect(await states({ run: drift })).toMatchObject({ state: 'failed', code: 'UNDO_NOTHING' });
});

test('who is to leave, and is held by the brake, is not kept by an undo of something else', async () => {
  await using ctx = await SinkContext.open();
  const crowd = Array.from({ length: 8 }, (_, n) => person(`c${n}`));
  const { operator } = await synced(ctx, ...crowd);
  await ctx.commit(person('7', { lastName: 'Later' }));
  await ctx.converged();
  await ctx.commit(person('7', { lastName: 'Later', active: false }), ...crowd.map(([, id]) => person(id, { active: false }))); // prettier-ignore
  const codes = async (): Promise<readonly (string | null)[]> => (await ctx.work()).map(({ code }) => code);
  const held = Array(9).fill('BRAKE_TRIPPED');
  await until(async () => (await codes()).filter((code) => code !== null).length === 9, { deadlineMs: 10_000, what: 'all to be held' }); // prettier-ignore
  const run = await operator.plan('undo', { kind: 'person', id: '7' });
  expect(await operator.items(run)).toMatchObject([{ state: 'parked', code: 'UNDO_CHANGED_SINCE', operations: [] }]);
  await operator.ask('run.decide', { run, decision: 'approve', by: 'a test' });
  await operator.reached(run, ['done']);
  expect(await codes()).toEqual(held);
});
