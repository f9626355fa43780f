import { until } from '@orgstream/testkit';
import { expect, test } from 'vitest';
import { member, person, quick, SinkContext, unit } from './fixture.ts';

const other = { tenant: 'eu1.43' };

test('a mark wakes the platform it is for and no other; where nothing is due, work is hardly looked for', async () => {
  await using ctx = await SinkContext.open();
  const [one, two] = [await ctx.platform(), await ctx.platform()];
  const busy = await ctx.integrate(one);
  const idle = await ctx.integrate(two, { tenant: other.tenant });
  await ctx.commit(unit('1', null, 'Acme'), ['unit', '1', { ...other, parentId: null, name: 'Other' }]);
  ctx.start();
  await ctx.prove();
  await ctx.prove(other.tenant);
  await ctx.converged();
  const looks = { [busy]: 0, [idle]: 0 };
  ctx.db.on('query', ({ sql, bindings }: { sql: string; bindings: unknown }) => {
    const asked = JSON.stringify(bindings);
    if (sql.includes('from sink.work r')) for (const id of [busy, idle]) if (asked.includes(id)) looks[id]! += 1;
  });
  // Each change is taken up long before the idle platform's next look would have been.
  const startedAt = performance.now();
  for (let n = 0; n < 20; n += 1) {
    await ctx.commit(person(`p${n}`), member(`m${n}`, `p${n}`, '1'));
    await until(async () => (await ctx.work()).length === 0, { deadlineMs: 2_000, what: 'the change to be applied' });
  }
  const idleMs = quick.pollMs * 10;
  expect(looks[busy]).toBeGreaterThanOrEqual(20);
  expect(looks[idle]).toBeLessThanOrEqual(2 + (performance.now() - startedAt) / idleMs);
});

test('what falls due on an idle platform is taken up in time', async () => {
  await using ctx = await SinkContext.open();
  await ctx.integrate(await ctx.platform());
  await ctx.commit(unit('1', null, 'Acme'), person('a', { email: null }), member('ma', 'a', '1'));
  // Idle looks would be 20 s apart.
  ctx.start({ pollMs: 2_000 });
  await ctx.prove();
  await ctx.converged();
  const parkedAgain = async () => {
    const { rows } = await ctx.db.raw<{ rows: { again: boolean }[] }>(
      `select next_at > now() + interval '20 s' as again from sink.work where code = 'EMAIL_MISSING'`,
    );
    return rows[0]?.again === true;
  };
  expect(await parkedAgain()).toBe(true);
  await ctx.db.raw(`update sink.work set next_at = now() + interval '1 s'`);
  await ctx.db.raw(`select pg_notify('orgstream_work', '')`);
  await until(parkedAgain, { deadlineMs: 6_000, what: 'the parked person to be looked at' });
});
