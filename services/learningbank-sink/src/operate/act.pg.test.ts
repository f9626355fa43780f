import { until } from '@orgstream/testkit';
import { expect, test } from 'vitest';
import { query } from '../ingest/query.ts';
import { gone, member, person, role, type Said, SinkContext, type SimPlatform, unit } from '../reconcile/fixture.ts';
import { Operator } from './fixture.ts';

interface Scene {
  readonly ctx: SinkContext;
  readonly platform: SimPlatform;
  readonly operator: Operator;
}

async function synced(ctx: SinkContext, input: object, ...said: readonly Said[]): Promise<Scene> {
  const platform = await ctx.platform(input);
  const integration = await ctx.integrate(platform);
  await ctx.commit(unit('1', null, 'Acme'), unit('2', '1', 'Shop'), ...said);
  await ctx.prove();
  ctx.start();
  await ctx.converged();
  return { ctx, platform, operator: new Operator(ctx, integration) };
}

const userAt = async ({ platform }: Scene, email: string) =>
  (await platform.state()).users.find((user) => user.email === email)!;

const codes = async ({ ctx }: Scene): Promise<readonly string[]> =>
  (await ctx.work()).map(({ kind, id, code }) => `${kind} ${id} ${code}`);

const of = (kind: 'unit' | 'role' | 'person', id: string) => ({ objects: [{ kind, id }] });

test('REHIRE: the link moves to the person who came back, and the user is theirs', async () => {
  await using ctx = await SinkContext.open();
  const scene = await synced(ctx, {}, person('7', { email: 'one@example.org' }), member('m7', '7', '2'));
  const { operator, platform } = scene;
  await ctx.commit(gone('person', '7'));
  await ctx.converged();
  await ctx.commit(person('70', { firstName: 'Back', email: 'one@example.org' }), member('m70', '70', '2'));
  await ctx.converged();
  expect(await codes(scene)).toEqual(['person 70 REHIRE']);
  expect(await operator.act('adopt', of('person', '70'))).toMatchObject({ code: 'ACTION_NOT_POSSIBLE' });
  const old = await userAt(scene, 'one@example.org');
  expect(await operator.act('move_link', of('person', '70'))).toMatchObject({ state: 'done', result: { done: 1 } });
  await ctx.converged();
  expect(await userAt(scene, 'one@example.org')).toMatchObject({ id: old.id, isActive: true, firstName: 'Back' });
  expect((await platform.state()).users).toHaveLength(1);
  const links = await query(ctx.db, `select id from sink.link where kind = 'person'`, []);
  expect(links).toEqual([{ id: '70' }]);
  expect(await codes(scene)).toEqual([]);
  // The same command again, as after a crash.
  expect(await operator.act('move_link', of('person', '70'))).toMatchObject({ state: 'done', result: { done: 1 } });
});

test('MATCH_INACTIVE: adopted on request, the user is active again', async () => {
  await using ctx = await SinkContext.open();
  const users = [{ firstName: 'In', lastName: 'Active', email: 'p7@example.org', isActive: false }];
  const scene = await synced(ctx, { users }, person('7'), member('m7', '7', '2'));
  expect(await codes(scene)).toEqual(['person 7 MATCH_INACTIVE']);
  const made = await scene.operator.act('create_new', of('person', '7'));
  expect(made).toMatchObject({ code: 'ACTION_NOT_POSSIBLE', message: expect.stringContaining('address') as string });
  expect(await scene.operator.act('adopt', of('person', '7'))).toMatchObject({ state: 'done' });
  await ctx.converged();
  expect(await userAt(scene, 'p7@example.org')).toMatchObject({ isActive: true, firstName: 'First 7' });
  expect(await codes(scene)).toEqual([]);
});

test('MATCHED_TWICE: one of the two adopts, the other says whose the address is', async () => {
  await using ctx = await SinkContext.open();
  const users = [{ firstName: 'One', lastName: 'User', email: 'same@example.org' }];
  const both = ['7', '8'].flatMap((id) => [person(id, { email: 'same@example.org' }), member(`m${id}`, id, '2')]);
  const scene = await synced(ctx, { users }, ...both);
  expect((await codes(scene)).some((code) => code.endsWith('MATCHED_TWICE'))).toBe(true);
  expect(await scene.operator.act('adopt', { ...of('person', '8'), targetId: 10_001 })).toMatchObject({
    state: 'done',
  });
  await ctx.converged();
  expect(await codes(scene)).toEqual(['person 7 EMAIL_TAKEN']);
  expect(await userAt(scene, 'same@example.org')).toMatchObject({ id: 10_001, firstName: 'First 8' });
});

test('a user with another address can be adopted by its id; one that is not there, or is linked, cannot', async () => {
  await using ctx = await SinkContext.open();
  const users = [
    { firstName: 'In', lastName: 'Active', email: 'p7@example.org', isActive: false },
    { firstName: 'Private', lastName: 'Address', email: 'private@example.org' },
  ];
  const scene = await synced(ctx, { users }, person('7'), member('m7', '7', '2'), person('8'), member('m8', '8', '2'));
  const { operator } = scene;
  const linked = (await userAt(scene, 'p8@example.org')).id;
  expect(await operator.act('adopt', { ...of('person', '7'), targetId: 99 })).toMatchObject({ code: 'NOT_FOUND' });
  expect(await operator.act('adopt', { ...of('person', '7'), targetId: linked })).toMatchObject({
    code: 'ACTION_NOT_POSSIBLE',
    message: expect.stringContaining('linked by person 8') as string,
  });
  expect(await operator.act('adopt', { ...of('person', '9'), targetId: linked })).toMatchObject({ code: 'NOT_FOUND' });
  await operator.act('adopt', { ...of('person', '7'), targetId: 10_001 });
  await ctx.converged();
  expect((await scene.platform.state()).users).toHaveLength(3);
});

test('LINKED_ELSEWHERE: nothing is taken over; a department gets a name of its own, a person is left alone', async () => {
  await using ctx = await SinkContext.open();
  const first = await synced(ctx, {}, person('7'), member('m7', '7', '2'));
  const tenant = 'eu1.43';
  const integration = await ctx.integrate(first.platform, { tenant });
  await ctx.commit(
    ['unit', '1', { tenant, parentId: null, name: 'Other' }],
    ['unit', '20', { tenant, parentId: '1', name: 'Shop' }],
    ['person', '70', { tenant, firstName: 'Z', lastName: 'Z', email: 'p7@example.org' }],
    ['membership', 'm70', { tenant, personId: '70', unitId: '1' }],
  );
  await ctx.prove(tenant);
  await ctx.converged();
  const scene = { ...first, operator: new Operator(ctx, integration) };
  expect(await codes(scene)).toEqual(['person 70 LINKED_ELSEWHERE', 'unit 20 LINKED_ELSEWHERE']);
  const taken = await scene.operator.act('adopt', of('person', '70'));
  expect(taken).toMatchObject({ code: 'ACTION_NOT_POSSIBLE', message: expect.stringContaining('another') as string });
  await scene.operator.act('ignore', of('person', '70'));
  await scene.operator.act('create_new', of('unit', '20'));
  await ctx.converged();
  expect(await codes(scene)).toEqual([]);
  expect(await scene.platform.tree()).toEqual(['/Shop', '/Shop (20)']);
  // Ignored means: also when the source changes it.
  await ctx.commit(['person', '70', { tenant, firstName: 'Y', lastName: 'Z', email: 'p7@example.org' }]);
  await ctx.converged();
  expect(await codes(scene)).toEqual([]);
  expect(await scene.operator.act('release', of('person', '70'))).toMatchObject({ state: 'done' });
  await ctx.converged();
  expect(await codes(scene)).toEqual(['person 70 LINKED_ELSEWHERE']);
});

test.each([
  ['adopt', ['Manager']],
  ['create_new', ['Manager', 'Manager (r)']],
  ['ignore', ['Manager']],
] as const)('PERMISSION_TYPE_HAS_RIGHTS: %s', async (action, names) => {
  await using ctx = await SinkContext.open();
  const scene = await synced(ctx, {}, role('r', 'Manager'));
  expect(await codes(scene)).toEqual(['role r PERMISSION_TYPE_HAS_RIGHTS']);
  expect(await scene.operator.act(action, of('role', 'r'))).toMatchObject({ state: 'done' });
  await ctx.converged();
  expect(await codes(scene)).toEqual([]);
  const { permissionTypes } = await scene.platform.state();
  expect(permissionTypes.map(({ name }) => name).filter((name) => name.startsWith('Manager'))).toEqual(names);
  expect(await query(ctx.db, `select made_by_us from sink.link where kind = 'role'`, [])).toEqual(
    { adopt: [{ made_by_us: false }], create_new: [{ made_by_us: true }], ignore: [] }[action],
  );
});

test('DEPARTMENT_NAME_TAKEN: a name of its own, and its people follow', async () => {
  await using ctx = await SinkContext.open();
  const scene = await synced(ctx, {}, unit('3', '1', 'Shop'), person('7'), member('m7', '7', '3'));
  expect((await codes(scene)).some((code) => code === 'unit 3 DEPARTMENT_NAME_TAKEN')).toBe(true);
  await scene.operator.act('create_new', of('unit', '3'));
  await ctx.converged();
  expect(await codes(scene)).toEqual([]);
  expect(await scene.platform.tree()).toEqual(['/Shop', '/Shop (3)']);
});

test('detach leaves the user as it is and alone; release links it again', async () => {
  await using ctx = await SinkContext.open();
  const scene = await synced(ctx, {}, person('7'), member('m7', '7', '2'));
  const { operator, platform } = scene;
  const sent = (await platform.writes()).length;
  expect(await operator.act('detach', of('unit', '1'))).toMatchObject({ code: 'ACTION_NOT_POSSIBLE' });
  expect(await operator.act('detach', of('person', '7'))).toMatchObject({ state: 'done', result: { done: 1 } });
  await ctx.commit(person('7', { lastName: 'Later' }));
  await ctx.converged();
  expect(await query(ctx.db, `select from sink.link where kind = 'person'`, [])).toEqual([]);
  expect((await platform.writes()).length).toBe(sent);
  await operator.act('release', of('person', '7'));
  await ctx.converged();
  expect(await userAt(scene, 'p7@example.org')).toMatchObject({ lastName: 'Later' });
  expect((await platform.state()).users).toHaveLength(1);
});

test('an object is not detached while a call about it is under way: the call would bring the link back', async () => {
  await using ctx = await SinkContext.open();
  const scene = await synced(ctx, {}, person('7'), member('m7', '7', '2'));
  await scene.platform.fault({ match: { method: 'PATCH' }, kind: 'latency', ms: 700, count: 1 });
  await ctx.commit(person('7', { lastName: 'Under way' }));
  await until(async () => (await ctx.openAttempts()) > 0, { deadlineMs: 5_000, what: 'the call' });
  expect(await scene.operator.act('detach', of('person', '7'))).toMatchObject({ state: 'done' });
  await ctx.converged();
  expect(await query(ctx.db, `select from sink.link where kind = 'person'`, [])).toEqual([]);
  expect(await userAt(scene, 'p7@example.org')).toMatchObject({ lastName: 'Under way' });
});

async function braked(ctx: SinkContext): Promise<Scene> {
  const ids = Array.from({ length: 10 }, (_, no) => String(100 + no));
  const people = ids.flatMap((id) => [person(id), member(`m${id}`, id, '2')]);
  const scene = await synced(ctx, {}, ...people);
  await ctx.commit(...ids.slice(0, 8).map((id) => person(id, { active: false })));
  await until(async () => (await codes(scene)).filter((code) => code.endsWith('BRAKE_TRIPPED')).length === 8, {
    deadlineMs: 10_000,
    what: 'the brake to trip',
  });
  return scene;
}

const inactive = async ({ platform }: Scene): Promise<number> =>
  (await platform.state()).users.filter(({ isActive }) => !isActive).length;

test('what the brake holds is approved one by one, bound to what was seen, or rejected, or all of an operation', async () => {
  await using ctx = await SinkContext.open();
  const scene = await braked(ctx);
  const { operator } = scene;
  const hashes = await query<{ id: string; hash: string }>(ctx.db, `select id, hash from sink.work order by id`, []);
  const [one, two] = hashes.map(({ id, hash }) => ({ kind: 'person' as const, id, hash }));
  expect(await operator.act('approve', { objects: [{ ...one!, hash: 'older' }] })).toMatchObject({
    code: 'ITEM_CHANGED',
  });
  expect(await operator.act('approve', { objects: [one!] })).toMatchObject({ state: 'done', result: { done: 1 } });
  await until(async () => (await inactive(scene)) === 1, { deadlineMs: 5_000, what: 'one leaver' });
  expect(await operator.act('reject', { objects: [two!] })).toMatchObject({ state: 'done' });
  expect(await operator.act('reject', { objects: [two!] })).toMatchObject({ state: 'done' });
  expect(await operator.act('approve', { objects: [two!] })).toMatchObject({ code: 'ACTION_NOT_POSSIBLE' });
  expect(await operator.act('approve', { operation: 'delete' })).toMatchObject({ code: 'ACTION_NOT_POSSIBLE' });
  expect(await operator.act('approve', { operation: 'deactivate' })).toMatchObject({ result: { done: 6 } });
  await until(async () => (await inactive(scene)) === 7, { deadlineMs: 5_000, what: 'all but the rejected one' });
  await ctx.converged();
  expect(await codes(scene)).toEqual([`person ${two!.id} REJECTED`]);
  expect(await operator.act('release', { objects: [two!] })).toMatchObject({ state: 'done' });
  await until(async () => (await codes(scene))[0] !== `person ${two!.id} REJECTED`, {
    deadlineMs: 5_000,
    what: 'a verdict',
  });
});

test('retry asks again at once; what is in step, held or unknown is said to be so', async () => {
  await using ctx = await SinkContext.open();
  const scene = await synced(ctx, {}, person('7', { email: null }), member('m7', '7', '2'));
  const { operator } = scene;
  expect(await codes(scene)).toEqual(['person 7 EMAIL_MISSING']);
  expect(await operator.act('retry', { all: true })).toMatchObject({ state: 'done', result: { done: 1 } });
  expect(await operator.act('retry', of('unit', '2'))).toMatchObject({ code: 'ACTION_NOT_POSSIBLE' });
  expect(await operator.act('retry', of('unit', '404'))).toMatchObject({ code: 'NOT_FOUND' });
  expect(await operator.act('release', of('unit', '2'))).toMatchObject({ code: 'ACTION_NOT_POSSIBLE' });
  expect(await operator.act('ignore', { all: true })).toMatchObject({ code: 'REQUEST_INVALID' });
  const some = await operator.act('retry', {
    objects: [
      { kind: 'person', id: '7' },
      { kind: 'unit', id: '404' },
    ],
  });
  expect(some).toMatchObject({ state: 'done', result: { done: 1, refused: [{ id: '404', code: 'NOT_FOUND' }] } });
});
