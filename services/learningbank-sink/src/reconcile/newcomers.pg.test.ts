import { until } from '@orgstream/testkit';
import { expect, test } from 'vitest';
import { person, SinkContext, unit } from './fixture.ts';

test('refused credentials are tried more and more rarely, new ones at once', async () => {
  await using ctx = await SinkContext.open();
  const platform = await ctx.platform();
  const integration = await ctx.integrate(platform, { password: 'wrong' });
  await ctx.commit(unit('1', null, 'Acme'), person('a'));
  await ctx.prove();
  ctx.start();
  const retryInS = async (): Promise<number> => {
    const { rows } = await ctx.db.raw<{ rows: { s: string | null }[] }>(
      `select extract(epoch from retry_at - updated_at) as s from sink.integration_state where code = 'TARGET_AUTH_FAILED'`,
    );
    return Number(rows[0]?.s ?? 0);
  };
  for (const seconds of [5, 10, 20, 40]) {
    await until(async () => (await retryInS()) === seconds, { deadlineMs: 5_000, what: `a pause of ${seconds} s` });
    await ctx.db.raw(`update sink.integration_state set retry_at = now()`);
  }
  await platform.settings({ credentials: { password: 'wrong' } });
  await ctx.db.raw(`update control.integration set generation = generation + 1`);
  await ctx.converged();
  expect(await ctx.state(integration)).toEqual({ state: 'live', code: null });
});
