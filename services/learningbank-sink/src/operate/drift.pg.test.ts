import { createLearningbankClient, type LearningbankClient } from '@orgstream/clients';
import type { IntegrationSettings } from '@orgstream/core';
import { until } from '@orgstream/testkit';
import { expect, test } from 'vitest';
import { query } from '../ingest/query.ts';
import { assigned, member, person, role, SinkContext, type SimPlatform, unit } from '../reconcile/fixture.ts';
import { Operator } from './fixture.ts';

interface Scene {
  readonly ctx: SinkContext;
  readonly platform: SimPlatform;
  readonly operator: Operator;
  /** An administrator of Learningbank, who changes things there by hand. */
  readonly hand: LearningbankClient;
}

async function synced(ctx: SinkContext, settings: Partial<IntegrationSettings> = {}): Promise<Scene> {
  const platform = await ctx.platform();
  const integration = await ctx.integrate(platform, { settings });
  await ctx.commit(unit('1', null, 'Acme'), unit('2', '1', 'Shop'), unit('3', '1', 'Office'), role('r', 'Seller'));
  await ctx.commit(person('7'), member('m7', '7', '2'), assigned('a7', 'm7', 'r'), person('8'), member('m8', '8', '3'));
  await ctx.prove();
  ctx.start();
  await ctx.converged();
  const { url: baseUrl, credentials } = platform.facts;
  const hand = createLearningbankClient({ baseUrl, credentials, timeoutMs: 5_000 });
  return { ctx, platform, operator: new Operator(ctx, integration), hand };
}

async function idOf({ ctx }: Scene, kind: string, id: string): Promise<number> {
  const rows = await query<{ target_id: string }>(ctx.db, `select target_id from sink.link where kind = ? and id = ?`, [
    kind,
    id,
  ]);
  return Number(rows[0]!.target_id);
}

async function proof({ ctx }: Scene) {
  const [row] = await query<{ known: number; differing: number; proved: boolean }>(
    ctx.db,
    `select drift_known as known, drift_differing as differing, drift_proved_at is not null as proved from sink.integration_state`,
    [],
  );
  return row!;
}

/** What everybody can see, without when it was written. */
async function visible({ platform }: Scene): Promise<unknown> {
  const { departments, permissionTypes, users } = await platform.state();
  return JSON.parse(JSON.stringify({ departments, permissionTypes, users }), (key, value: unknown) =>
    key === 'updatedAt' ? undefined : value,
  );
}

/** Writes of the sink's own from now on. */
async function writesDuring({ platform }: Scene, work: () => Promise<void>): Promise<number> {
  const before = (await platform.writes()).length;
  await work();
  return (await platform.writes()).length - before;
}

const byHand: readonly [what: string, operations: readonly string[], change: (scene: Scene) => Promise<unknown>][] = [
  ['a user was renamed', ['rename'], async (s) => s.hand.updateUser(await idOf(s, 'person', '7'), { lastName: 'Hand' })],
  ['an e-mail was changed', ['email_changed'], async (s) => s.hand.updateUser(await idOf(s, 'person', '7'), { email: 'hand@example.org' })],
  ['a user was deactivated', ['reactivate'], async (s) => s.hand.deactivateUser(await idOf(s, 'person', '7'))],
  ['a user was moved', ['move'], async (s) => s.hand.setDepartments(await idOf(s, 'person', '7'), [await idOf(s, 'unit', '3')])],
  ['a permission type of ours was taken', ['permission_added'], async (s) =>
    s.hand.changePermissionTypes(await idOf(s, 'person', '7'), { add: [], remove: [await idOf(s, 'role', 'r')] })],
  ['a department was renamed', ['rename'], async (s) => s.hand.updateDepartment(await idOf(s, 'unit', '2'), { name: 'Hand' })],
  ['a department was moved', ['move'], async (s) => s.hand.moveDepartment(await idOf(s, 'unit', '2'), await idOf(s, 'unit', '3'))],
  ['a permission type was renamed', ['rename'], async (s) => s.hand.updatePermissionType(await idOf(s, 'role', 'r'), { name: 'Hand' })],
]; // prettier-ignore

test.each(byHand)('%s: found, repaired on approval, and then in step', async (_, operations, change) => {
  await using ctx = await SinkContext.open();
  const scene = await synced(ctx);
  const { operator } = scene;
  const before = await visible(scene);
  await change(scene);
  const run = await operator.plan('drift');
  expect(await operator.items(run)).toMatchObject([{ operations, state: 'planned', code: null }]);
  expect(await proof(scene)).toEqual({ known: 5, differing: 1, proved: true });
  await operator.approve(run);
  expect(await operator.items(run)).toMatchObject([{ state: 'applied' }]);
  expect(await visible(scene)).toEqual(before);
  const again = await writesDuring(scene, async () => {
    const second = await operator.plan('drift');
    expect(await operator.items(second)).toEqual([]);
  });
  expect(again).toBe(0);
  expect(await proof(scene)).toMatchObject({ differing: 0 });
  expect(await ctx.work()).toEqual([]);
});

test('of one person, or of a unit with what is below and who is in it: nothing else is asked for, shown or put right', async () => {
  await using ctx = await SinkContext.open();
  const scene = await synced(ctx);
  const { operator, platform, hand } = scene;
  const before = await visible(scene);
  await operator.plan('drift');
  const proved = await proof(scene);
  for (const id of ['7', '8']) await hand.updateUser(await idOf(scene, 'person', id), { lastName: 'Hand' });
  await hand.updateDepartment(await idOf(scene, 'unit', '3'), { name: 'Hand' });
  const since = (await platform.calls()).at(-1)!.seq;
  const one = await operator.plan('drift', { kind: 'person', id: '7' });
  const asked = (await platform.calls(since)).map(({ method, route }) => `${method} ${route}`);
  expect(asked.filter((call) => /users|departments/.test(call))).toEqual(['GET /users/:id']);
  expect((await operator.items(one)).map(({ kind, id }) => `${kind}/${id}`)).toEqual(['person/7']);
  await operator.approve(one);
  const office = await operator.plan('drift', { kind: 'unit', id: '3' });
  expect((await operator.items(office)).map(({ kind, id }) => `${kind}/${id}`)).toEqual(['unit/3', 'person/8']);
  // A part proves nothing of the rest.
  expect(await proof(scene)).toEqual(proved);
  await operator.approve(office);
  await ctx.converged();
  expect(await visible(scene)).toEqual(before);
  expect(await operator.items(await operator.plan('drift'))).toEqual([]);
});

test('what was deleted by hand is made again, and everybody gets back what went with it', async () => {
  await using ctx = await SinkContext.open();
  const scene = await synced(ctx);
  const { operator, platform, hand } = scene;
  await hand.deleteDepartment(await idOf(scene, 'unit', '2'));
  await hand.deletePermissionType(await idOf(scene, 'role', 'r'));
  const run = await operator.plan('drift');
  expect((await operator.items(run)).map(({ kind, id, operations }) => [kind, id, ...operations])).toEqual([
    ['person', '7', 'move', 'permission_added'],
    ['role', 'r', 'create'],
    ['unit', '2', 'create'],
  ]);
  await operator.approve(run);
  await ctx.converged();
  expect(await platform.tree()).toEqual(['/Office', '/Shop']);
  const user = (await platform.state()).users.find(({ email }) => email === 'p7@example.org')!;
  expect(user.departmentIds).toEqual([await idOf(scene, 'unit', '2')]);
  expect(user.permissionTypeIds).toContain(await idOf(scene, 'role', 'r'));
  expect(await operator.items(await operator.plan('drift'))).toEqual([]);
});

test('job profiles, permission types that are not ours and undone objects are no drift; nothing is stored of the target', async () => {
  await using ctx = await SinkContext.open();
  const scene = await synced(ctx);
  const { operator, hand } = scene;
  const seven = await idOf(scene, 'person', '7');
  const foreign = await hand.createPermissionType({ name: 'By hand' });
  await hand.changePermissionTypes(seven, { add: [foreign.id], remove: [] });
  await ctx.commit(person('8', { lastName: 'Later' }));
  await ctx.converged();
  await operator.approve(await operator.plan('undo', { kind: 'person', id: '8' }));
  await hand.updateUser(await idOf(scene, 'person', '8'), { lastName: 'Whatever' });
  expect(await operator.items(await operator.plan('drift'))).toEqual([]);
  expect(await query(ctx.db, `select from sink.target`, [])).toEqual([]);
});

test('departments that are kept besides ours are no drift, ours that are missing are', async () => {
  await using ctx = await SinkContext.open();
  const scene = await synced(ctx, { keepForeignDepartments: true });
  const { operator, hand, platform } = scene;
  const foreign = await hand.createDepartment({ name: 'By hand', parentId: platform.facts.topDepartmentId });
  const [seven, shop] = [await idOf(scene, 'person', '7'), await idOf(scene, 'unit', '2')];
  await hand.setDepartments(seven, [shop, foreign.id]);
  expect(await operator.items(await operator.plan('drift'))).toEqual([]);
  await hand.setDepartments(seven, [foreign.id]);
  const run = await operator.plan('drift');
  expect(await operator.items(run)).toMatchObject([{ id: '7', operations: ['move'] }]);
  await operator.approve(run);
  const user = (await platform.state()).users.find(({ id }) => id === seven)!;
  expect(user.departmentIds).toEqual([shop, foreign.id]);
});

test('a user that left and was deleted by hand is not made again; one that left and was let in again is found', async () => {
  await using ctx = await SinkContext.open();
  const scene = await synced(ctx);
  const { operator, hand, platform } = scene;
  const eight = await idOf(scene, 'person', '8');
  await ctx.commit(person('8', { active: false }));
  await ctx.converged();
  await hand.updateUser(eight, { lastName: 'Archived' });
  expect(await operator.items(await operator.plan('drift'))).toEqual([]);
  await hand.reactivateUser(eight);
  const run = await operator.plan('drift');
  expect(await operator.items(run)).toMatchObject([{ id: '8', operations: ['deactivate'] }]);
  await operator.approve(run);
  expect((await platform.state()).users.find(({ id }) => id === eight)).toMatchObject({ isActive: false });
});

test('what is written while the target is listed is no drift', async () => {
  await using ctx = await SinkContext.open();
  const scene = await synced(ctx);
  const { operator } = scene;
  const changing = (async () => {
    for (let no = 0; no < 20; no += 1) await ctx.commit(person('7', { lastName: `Name ${no}` }));
  })();
  for (let no = 0; no < 3; no += 1) {
    const run = await operator.plan('drift', { all: true }, true);
    expect(await operator.items(run)).toEqual([]);
  }
  await changing;
  await until(async () => (await ctx.work()).length === 0, { deadlineMs: 10_000, what: 'the changes to be applied' });
});
