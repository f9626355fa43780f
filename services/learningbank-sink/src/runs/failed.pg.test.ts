import { insertCommand, readCommand } from '@orgstream/database';
import { until } from '@orgstream/testkit';
import { expect, test } from 'vitest';
import { person, SinkContext, unit } from '../reconcile/fixture.ts';
import { Operator } from './fixture.ts';

test('a first plan that failed for a reason nobody knows is made again after a while, not at once', async () => {
  await using ctx = await SinkContext.open();
  const platform = await ctx.platform();
  const operator = new Operator(ctx, await ctx.integrate(platform, { settings: { review: true } }));
  await ctx.commit(unit('1', null, 'Acme'), person('a'));
  ctx.start();
  await ctx.prove();
  const first = await operator.latest('sync', 'planned');
  const fail = (ago: string): Promise<unknown> =>
    ctx.db.raw(
      `update sink.run set state = 'failed', code = 'UNEXPECTED', finished_at = now() - cast(? as interval) where id = ?`,
      [ago, first.id],
    );
  await fail('1 s');
  // Answered by the conductor, so it has looked since.
  expect(await operator.decide(first.id, 'approve')).toMatchObject({ code: 'RUN_STATE' });
  expect(await operator.runs()).toHaveLength(1);
  await fail('2 min');
  const again = await operator.latest('sync', 'planned');
  expect(again).toMatchObject({ isFirst: true, needsApproval: true });
  expect(again.id).not.toBe(first.id);
  expect(await operator.decide(again.id, 'approve')).toMatchObject({ code: null });
  await operator.reaches(again.id, 'done');
});

test('a decision that no sink took in time is refused, not carried out on what nobody has seen', async () => {
  await using ctx = await SinkContext.open();
  const platform = await ctx.platform();
  const operator = new Operator(ctx, await ctx.integrate(platform, { settings: { review: true } }));
  await ctx.commit(unit('1', null, 'Acme'), person('a'));
  const running = ctx.start();
  await ctx.prove();
  const planned = await operator.latest('sync', 'planned');
  await running.stop();
  const payload = { run: planned.id, decision: 'approve', by: 'ann', integration: operator.integration } as const;
  const late = await insertCommand(ctx.db, { addressee: 'learningbank-sink', kind: 'run.decide', payload });
  await ctx.db.raw(`update control.command set created_at = now() - interval '3 min' where id = ?`, [late]);
  ctx.start();
  const answer = await until(
    async () => {
      const row = await readCommand(ctx.db, late);
      return row?.state === 'failed' || row?.state === 'done' ? row : undefined;
    },
    { deadlineMs: 20_000, what: 'an answer' },
  );
  expect(answer).toMatchObject({ state: 'failed', code: 'DECISION_TOO_OLD' });
  expect(await platform.writes()).toEqual([]);
  expect(await operator.decide(planned.id, 'approve')).toMatchObject({ code: null });
});
