import { expect, test } from 'vitest';
import { assigned, member, person, role, SinkContext, unit } from './fixture.ts';

test('who waits for something parked stays parked with its code when both are looked at again', async () => {
  await using ctx = await SinkContext.open();
  await ctx.integrate(await ctx.platform());
  await ctx.commit(
    unit('1', null, 'Acme'),
    unit('11', '1', 'North'),
    unit('12', '1', 'North'),
    role('7', 'Manager'),
    person('a'),
    member('ma', 'a', '12'),
    person('b'),
    member('mb', 'b', '11'),
    assigned('ab', 'mb', '7'),
  );
  ctx.start();
  await ctx.prove();
  await ctx.converged();
  const parked = await ctx.work();
  expect(parked.map(({ kind, id, state, code }) => [kind, id, state, code])).toEqual([
    ['person', 'a', 'parked', 'DEPARTMENT_NAME_TAKEN'],
    ['person', 'b', 'parked', 'PERMISSION_TYPE_HAS_RIGHTS'],
    ['role', '7', 'conflict', 'PERMISSION_TYPE_HAS_RIGHTS'],
    ['unit', '12', 'parked', 'DEPARTMENT_NAME_TAKEN'],
  ]);
  // The sweeper looks at all four at once, people first: their unit and role are then ready, not parked.
  await ctx.db.raw(
    `update sink.work set state = 'ready', waits_kind = null, waits_id = null,
            next_at = case when kind = 'person' then now() - interval '1 s' else now() + interval '200 ms' end`,
  );
  await ctx.converged();
  expect(await ctx.work()).toEqual(parked);
});

test('a person planned before its unit was parked goes on in its other departments', async () => {
  await using ctx = await SinkContext.open();
  const platform = await ctx.platform();
  await ctx.integrate(platform);
  await ctx.commit(unit('1', null, 'Acme'), unit('11', '1', 'North'));
  ctx.start();
  await ctx.prove();
  await ctx.converged();
  // One transaction: the unit, which has no name, and its people are claimed together.
  await ctx.commit(
    unit('12', '1', ''),
    ...Array.from({ length: 20 }, (_, n) => [
      person(`p${n}`),
      member(`m${n}`, `p${n}`, '12'),
      member(`o${n}`, `p${n}`, '11'),
    ]).flat(),
  );
  await ctx.converged();
  expect((await platform.state()).users).toHaveLength(20);
  expect(new Set((await ctx.work()).map(({ state, code }) => `${state} ${code}`))).toEqual(
    new Set(['parked FACT_INVALID']),
  );
});
