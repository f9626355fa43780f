import { forgetAudit, forgetCommands } from '@orgstream/database';
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

test('commands that ended long ago are forgotten with what they say about people; younger and open ones stay', async () => {
  await ctx.db.raw(
    `insert into control.command (addressee, kind, payload, state, created_at, updated_at)
     select 'edge', 'person.forget', jsonb_build_object('person', person), state, at, at
       from (values ('1', 'done', now() - interval '31 days'), ('2', 'failed', now() - interval '31 days'),
                    ('3', 'done', now() - interval '29 days'), ('4', 'new', now() - interval '400 days'),
                    ('5', 'running', now() - interval '31 days')) as c (person, state, at)`,
  );
  await forgetCommands(ctx.db, 30);
  const { rows } = await ctx.db.raw<{ rows: { person: string }[] }>(
    `select payload ->> 'person' as person from control.command where kind = 'person.forget' order by 1`,
  );
  expect(rows.map(({ person }) => person)).toEqual(['3', '4', '5']);
});
