import { forgetAudit } from '@orgstream/database';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ControlContext } from './fixture.ts';

let ctx: ControlContext;
beforeAll(async () => {
  ctx = await ControlContext.open();
});
afterAll(() => ctx?.[Symbol.asyncDispose]());

test('lines are forgotten after their days, however many, and no younger one', async () => {
  const add = (action: string, days: number, lines: number) =>
    ctx.db.raw(
      `insert into control.audit (at, actor, action, outcome)
       select now() - ? * interval '1 day', 'ann', ?, 'ok' from generate_series(1, cast(? as int))`,
      [days, action, lines],
    );
  await add('old', 731, 20_001);
  await add('young', 729, 2);
  await add('new', 0, 1);
  expect(await Promise.all([forgetAudit(ctx.db, 730), forgetAudit(ctx.db, 730)]).then(([a, b]) => a + b)).toBe(20_001);
  const { rows } = await ctx.db.raw<{ rows: { action: string }[] }>(`select action from control.audit order by id`);
  expect(rows.map(({ action }) => action)).toEqual(['young', 'young', 'new']);
  expect(await forgetAudit(ctx.db, 1)).toBe(2);
  expect(await forgetAudit(ctx.db, 1)).toBe(0);
});
