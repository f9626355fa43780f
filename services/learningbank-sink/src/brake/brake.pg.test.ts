import type { IntegrationSettings } from '@orgstream/core';
import { until } from '@orgstream/testkit';
import { expect, test } from 'vitest';
import {
  assigned,
  member,
  person,
  role,
  type Running,
  type Said,
  SinkContext,
  type SimPlatform,
  unit,
} from '../reconcile/fixture.ts';

interface Scene {
  readonly ctx: SinkContext;
  readonly platform: SimPlatform;
  readonly integration: string;
  readonly running: Running;
}

/** A tenant in step: two units, and so many people in the first. */
async function inStep(
  ctx: SinkContext,
  people: number,
  { input = {}, settings = {} }: { readonly input?: object; readonly settings?: Partial<IntegrationSettings> } = {},
): Promise<Scene> {
  const platform = await ctx.platform(input);
  const integration = await ctx.integrate(platform, { settings });
  await ctx.commit(
    unit('1', null, 'Acme'),
    unit('11', '1', 'North'),
    unit('12', '1', 'South'),
    ...ids(people).flatMap((id) => [person(id), member(`m${id}`, id, '11')]),
  );
  const running = ctx.start();
  await ctx.prove();
  await ctx.converged(60_000);
  return { ctx, platform, integration, running };
}

const ids = (count: number, from = 0): readonly string[] => Array.from({ length: count }, (_, n) => `${from + n}`);
const leaves = (id: string) => person(id, { active: false });

async function heldIds({ ctx }: Scene, code = 'BRAKE_TRIPPED'): Promise<readonly string[]> {
  return (await ctx.work()).filter((row) => row.state === 'held' && row.code === code).map(({ id }) => id);
}

async function tripped({ ctx }: Scene): Promise<readonly string[]> {
  const { rows } = await ctx.db.raw<{ rows: { kind: string; operation: string }[] }>(
    `select kind, operation from sink.brake order by 1, 2`,
  );
  return rows.map(({ kind, operation }) => `${kind} ${operation}`);
}

const inactive = async ({ platform }: Scene): Promise<number> =>
  (await platform.state()).users.filter(({ isActive }) => !isActive).length;

async function metric({ running }: Scene, name: string): Promise<string | undefined> {
  const text = await running.registry.metrics();
  return text
    .split('\n')
    .find((line) => line.startsWith(`${name} `))
    ?.slice(name.length + 1);
}

/** As `objects.act` approves and rejects. */
async function decide({ ctx }: Scene, decision: 'approve' | 'reject', where: string): Promise<void> {
  const set =
    decision === 'approve'
      ? `state = 'ready', code = null, approved_hash = hash, next_at = now()`
      : `code = 'REJECTED', hold_code = 'REJECTED', hold_hash = hash`;
  await ctx.db.raw(`update sink.work set ${set}, generation = nextval('sink.work_generation') where ${where}`);
  await ctx.db.raw(`select pg_notify('orgstream_work', '')`);
}

const soon = (what: string) => ({ deadlineMs: 10_000, what });

test('a bad import: a hundred of a thousand leave at once: no call, all held, shown at once; everything else goes on', async () => {
  await using ctx = await SinkContext.open();
  const scene = await inStep(ctx, 1_000);
  const since = (await scene.platform.calls()).at(-1)!.seq;
  await ctx.commit(...ids(100).map(leaves));
  await until(async () => (await heldIds(scene)).length === 100, soon('all to be held'));
  expect(await scene.platform.writes(since)).toEqual([]);
  expect(await tripped(scene)).toEqual(['person deactivate']);
  await until(async () => (await metric(scene, 'orgstream_held_leavers')) === '100', soon('the metric'));
  expect(await metric(scene, 'orgstream_held_objects{operation="deactivate"}')).toBe('100');
  expect(await metric(scene, 'orgstream_brake_tripped{operation="deactivate"}')).toBe('1');
  await ctx.commit(person('500', { firstName: 'Grace' }), unit('13', '1', 'West'), member('m600', '600', '12'));
  await until(
    async () => (await scene.platform.state()).users.some(({ firstName }) => firstName === 'Grace'),
    soon('other operations'),
  );
  await ctx.converged();
  expect(await scene.platform.tree()).toContain('/West');
  // The source is put right for most of them: the last few are as wrong as the others, and stay held.
  await ctx.commit(...ids(97).map((id) => person(id)));
  await until(async () => (await heldIds(scene)).length === 3, soon('the corrected to be in step'));
  await ctx.commit(...ids(3, 97).map((id) => person(id)));
  await until(
    async () => (await ctx.work()).length === 0 && (await tripped(scene)).length === 0,
    soon('the end of it'),
  );
  expect(await inactive(scene)).toBe(0);
  await ctx.commit(leaves('7'));
  await until(async () => (await inactive(scene)) === 1, soon('a leaver after it'));
});

test('leavers one by one stop at the limit, across a restart and a take-over; an approval lets one go, and no other', async () => {
  await using ctx = await SinkContext.open();
  let scene = await inStep(ctx, 30);
  for (const id of ids(5)) {
    await ctx.commit(leaves(id));
    await until(async () => (await inactive(scene)) === Number(id) + 1, soon(`leaver ${id}`));
  }
  await scene.running.stop();
  scene = { ...scene, running: ctx.start() };
  await ctx.commit(leaves('5'), leaves('6'));
  await until(async () => (await heldIds(scene)).length === 2, soon('the sixth and seventh to be held'));
  const second = ctx.start();
  await scene.running.stop();
  await until(() => second.reconciler.platforms.length === 1, soon('the take-over'));
  scene = { ...scene, running: second };
  await ctx.commit(leaves('7'));
  await until(async () => (await heldIds(scene)).length === 3, soon('the eighth to be held'));
  expect(await inactive(scene)).toBe(5);
  await decide(scene, 'approve', `id = '6'`);
  await until(async () => (await inactive(scene)) === 6, soon('the approved one'));
  await decide(scene, 'approve', `id = '7'`);
  await until(async () => (await inactive(scene)) === 7, soon('the other approved one'));
  expect(await heldIds(scene)).toEqual(['5']);
  const { rows } = await ctx.db.raw<{ rows: { object_id: string; operations: string[] }[] }>(
    `select object_id, operations from sink.attempt where approved order by id`,
  );
  expect(rows.map(({ object_id, operations }) => [object_id, operations])).toEqual([
    ['6', ['deactivate']],
    ['7', ['deactivate']],
  ]);
});

test('an approval is of what was looked at: desired otherwise afterwards, it is braked again', async () => {
  await using ctx = await SinkContext.open();
  const scene = await inStep(ctx, 30);
  await ctx.commit(...ids(25).map((id) => member(`m${id}`, id, '12')));
  await until(async () => (await heldIds(scene)).length === 25, soon('the moves to be held'));
  await scene.running.stop();
  await decide(scene, 'approve', `id in ('1', '2')`);
  await ctx.commit(member('m2', '2', '1'));
  const running = ctx.start();
  const again = { ...scene, running };
  await until(async () => (await heldIds(again)).length === 24, soon('one to go, the other to be held again'));
  expect(await heldIds(again)).not.toContain('1');
  expect((await scene.platform.state()).users.filter(({ departmentIds }) => departmentIds.length > 0)).toHaveLength(30);
});

test('a rejected object stays held over replays and new marks, until something else is desired', async () => {
  await using ctx = await SinkContext.open();
  const scene = await inStep(ctx, 30);
  await ctx.commit(...ids(10).map(leaves));
  await until(async () => (await heldIds(scene)).length === 10, soon('the leavers to be held'));
  await decide(scene, 'reject', `state = 'held'`);
  await until(async () => (await tripped(scene)).length === 0, soon('the brake to be released: all are decided'));
  expect(await heldIds(scene, 'REJECTED')).toHaveLength(10);
  // Marked again with the same facts, as a replay of a repaired normalizer or a change of a unit does.
  await ctx.commit(...ids(10).map((id) => person(id, { active: false, language: 'sv' })));
  await until(async () => (await heldIds(scene, 'REJECTED')).length === 10, soon('all to be held again'));
  expect(await inactive(scene)).toBe(0);
  await ctx.commit(person('3'));
  await until(async () => (await ctx.work()).length === 9, soon('the one that came back'));
  await ctx.commit(leaves('3'));
  await until(async () => (await inactive(scene)) === 1, soon('a new decision of the source'));
});

const many: Readonly<Record<string, (id: string) => readonly Said[]>> = {
  rename: (id) => [person(id, { firstName: 'Renamed' })],
  email_changed: (id) => [person(id, { email: `new${id}@example.org` })],
  move: (id) => [member(`m${id}`, id, '12')],
  permission_removed: (id) => [assigned(`a${id}`, `m${id}`, '8')],
  job_profile_changed: (id) => [assigned(`a${id}`, `m${id}`, '9')],
};

test.each(Object.keys(many))('%s trips on its own', async (operation) => {
  await using ctx = await SinkContext.open();
  const scene = await inStep(ctx, 40, { input: { jobProfiles: ['Barista', 'Chef'] } });
  await ctx.commit(role('7', 'Barista'), role('8', 'Clerk'), role('9', 'Chef'));
  await ctx.commit(...ids(40).map((id) => assigned(`a${id}`, `m${id}`, '7')));
  // Giving what was not there is not braked, but for the job profile that comes with the role.
  await until(async () => (await ctx.work()).every(({ state }) => state === 'held'), soon('the roles'));
  await decide(scene, 'approve', `state = 'held'`);
  await ctx.converged();
  const since = (await scene.platform.calls()).at(-1)!.seq;
  await ctx.commit(...ids(30).flatMap(many[operation]!));
  await until(async () => (await heldIds(scene)).length === 30, soon('all to be held'));
  expect(await tripped(scene)).toContain(`person ${operation}`);
  expect(await scene.platform.writes(since)).toEqual([]);
  await ctx.commit(leaves('39'));
  await until(async () => (await inactive(scene)) === 1, soon('another operation'));
});

test('creations are braked once the first sync is over, and units and roles have brakes of their own', async () => {
  await using ctx = await SinkContext.open();
  const scene = await inStep(ctx, 60);
  expect(await tripped(scene)).toEqual([]);
  // Who takes over later does not count what the first sync created either.
  await scene.running.stop();
  ctx.start();
  const before = (await scene.platform.state()).users.length;
  await ctx.commit(
    ...ids(51, 100).flatMap((id) => [person(id), member(`m${id}`, id, '20')]),
    unit('20', '1', 'New'),
    ...ids(5, 200).map((id) => unit(id, '1', `Unit ${id}`)),
  );
  await until(async () => (await heldIds(scene)).length === 51, soon('the newcomers to be held'));
  expect(await tripped(scene)).toEqual(['person create']);
  expect((await scene.platform.state()).users).toHaveLength(before);
  await until(async () => (await scene.platform.tree()).includes('/New'), soon('the units'));
});

test('a held unit blocks who waits for it as far as it must: its people come with their other departments', async () => {
  await using ctx = await SinkContext.open();
  const strict = { count: 0, share: 0, dayShare: 0 };
  const scene = await inStep(ctx, 3);
  await ctx.db.raw(`update control.settings set settings = jsonb_set(settings, '{brake,create}', ?::jsonb)`, [
    JSON.stringify(strict),
  ]);
  await ctx.db.raw(`update control.integration set generation = generation + 1`);
  await ctx.commit(unit('30', '1', 'Held'), unit('31', '30', 'Below'));
  await until(async () => (await heldIds(scene)).includes('30'), soon('the unit to be held'));
  await ctx.commit(member('m0', '0', '12'), member('m0b', '0', '30', 1));
  const seen = async () => (await ctx.work()).map(({ kind, id, state, code }) => `${kind} ${id} ${state} ${code}`);
  await until(async () => (await seen()).includes('person 0 parked BRAKE_TRIPPED'), soon('who waits to be parked'));
  expect(await seen()).toEqual([
    'person 0 parked BRAKE_TRIPPED',
    'unit 30 held BRAKE_TRIPPED',
    'unit 31 held BRAKE_TRIPPED',
  ]);
  const { users, departments } = await scene.platform.state();
  const south = departments.find(({ name }) => name === 'South')!;
  expect(users.find(({ email }) => email === 'p0@example.org')!.departmentIds).toEqual([south.id]);
  await decide(scene, 'approve', `id = '30'`);
  await until(async () => (await heldIds(scene)).join() === '31', soon('the child to be asked for'));
  await decide(scene, 'approve', `id = '31'`);
  await until(async () => (await ctx.work()).length === 0, soon('everything'));
  expect(await scene.platform.tree()).toContain('/Held/Below');
});

test('raised limits let go what they cover', async () => {
  await using ctx = await SinkContext.open();
  const scene = await inStep(ctx, 30);
  await ctx.commit(...ids(8).map(leaves));
  await until(async () => (await heldIds(scene)).length === 8, soon('the leavers to be held'));
  await ctx.db.raw(
    `update control.settings set settings = jsonb_set(settings, '{brake,deactivate}', '{"count": 8, "share": 0, "dayShare": 0}')`,
  );
  await ctx.db.raw(`update control.integration set generation = generation + 1`);
  await until(async () => (await inactive(scene)) === 8, soon('the leavers to go'));
  expect(await tripped(scene)).toEqual([]);
});
