import { expect, test } from 'vitest';
import { SinkContext } from '../reconcile/fixture.ts';
import { live, type Operator } from './fixture.ts';

const inForce = async ({ ctx }: Operator): Promise<number> => {
  const { rows } = await ctx.db.raw<{ rows: { v: number }[] }>(`select settings_version as v from control.integration`);
  return rows[0]!.v;
};

test('an edit that touches nobody comes into force by itself; one that touches more is planned and waits', async () => {
  await using ctx = await SinkContext.open();
  const { operator, platform } = await live(ctx, 3);
  await operator.putSettings(2, { updateJobProfile: false });
  await operator.reaches(await operator.started('settings', { settingsVersion: 2 }), 'done');
  expect(await inForce(operator)).toBe(2);

  await operator.putSettings(3, { uniqueUnits: true });
  const run = await operator.started('settings', { settingsVersion: 3 });
  const planned = await operator.reaches(run, 'planned');
  expect(planned).toMatchObject({ needsApproval: true, counts: { items: 2, rename: 2 } });
  expect(await inForce(operator)).toBe(2);
  expect(await platform.tree()).toEqual(['/North', '/South']);

  expect(await operator.decide(run, 'approve')).toMatchObject({ code: null });
  await operator.reaches(run, 'done');
  expect(await inForce(operator)).toBe(3);
  expect(await platform.tree()).toEqual(['/North (11)', '/South (12)']);
});

test('rejected: the old settings stay, and nothing is held', async () => {
  await using ctx = await SinkContext.open();
  const { operator, platform } = await live(ctx, 1);
  await operator.putSettings(2, { uniqueUnits: true });
  const run = await operator.started('settings', { settingsVersion: 2 });
  await operator.reaches(run, 'planned');
  expect(await operator.decide(run, 'reject')).toMatchObject({ code: null });
  expect(await operator.run(run)).toMatchObject({ state: 'cancelled' });
  expect(await inForce(operator)).toBe(1);
  expect(await ctx.work()).toEqual([]);
  expect(await platform.tree()).toEqual(['/North', '/South']);
});

test('one item rejected, the rest approved: the settings come into force, the rejected object is held', async () => {
  await using ctx = await SinkContext.open();
  const { operator, platform } = await live(ctx, 1);
  await operator.putSettings(2, { uniqueUnits: true });
  const run = await operator.started('settings', { settingsVersion: 2 });
  await operator.reaches(run, 'planned');
  const [item] = await operator.items(run);
  const key = { kind: 'unit', id: item!.key.slice('unit/'.length) } as const;
  expect(await operator.decide(run, 'reject', { items: [{ ...key, hash: 'another' }] })).toMatchObject({
    code: 'ITEM_CHANGED',
  });
  expect(await operator.decide(run, 'reject', { items: [{ ...key, id: 'unknown' }] })).toMatchObject({
    code: 'NOT_FOUND',
  });
  expect(await operator.decide(run, 'reject', { items: [{ ...key, hash: item!.hash! }] })).toMatchObject({
    code: null,
  });
  expect(await operator.decide(run, 'approve')).toMatchObject({ code: null });
  await operator.reaches(run, 'done');
  expect(await inForce(operator)).toBe(2);
  expect(await ctx.work()).toMatchObject([{ ...key, state: 'held', code: 'REJECTED' }]);
  expect((await platform.tree()).filter((path) => path.includes('('))).toHaveLength(1);
});

test('settings changed since the plan: refused with a code, nothing is half done; a gap is planned again', async () => {
  await using ctx = await SinkContext.open();
  const { operator, platform } = await live(ctx, 3);
  await operator.enable(false);
  await ctx.commit(['unit', '11', { parentId: '1', name: 'Nord' }]);
  await operator.enable(true);
  const gap = await operator.latest('gap', 'planned');
  await operator.putSettings(2, { updateJobProfile: false });
  await operator.reaches(await operator.started('settings', { settingsVersion: 2 }), 'done');
  expect(await operator.decide(gap.id, 'approve')).toMatchObject({ state: 'failed', code: 'RUN_SETTINGS_CHANGED' });
  expect(await operator.run(gap.id)).toMatchObject({ state: 'failed', code: 'RUN_SETTINGS_CHANGED' });
  expect(await platform.tree()).toEqual(['/North', '/South']);
  const again = await operator.latest('gap', 'planned');
  expect(again.id).not.toBe(gap.id);
  expect(await operator.start('sync')).toMatchObject({ code: null, result: { run: again.id } });
  await operator.reaches(again.id, 'done');
  expect(await platform.tree()).toEqual(['/Nord', '/South']);
});

test('two decisions at once: one wins, the other is told the state', async () => {
  await using ctx = await SinkContext.open();
  const { operator } = await live(ctx, 1);
  ctx.start();
  await operator.putSettings(2, { uniqueUnits: true });
  const run = await operator.started('settings', { settingsVersion: 2 });
  await operator.reaches(run, 'planned');
  const answers = await Promise.all([operator.decide(run, 'approve'), operator.decide(run, 'reject')]);
  expect(answers.filter(({ code }) => code === null)).toHaveLength(1);
  expect(answers.filter(({ code }) => code === 'RUN_STATE')).toHaveLength(1);
});
