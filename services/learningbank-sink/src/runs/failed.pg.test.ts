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
