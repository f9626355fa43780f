import { expect, test } from 'vitest';
import { assigned, member, person, role, SinkContext, unit } from '../reconcile/fixture.ts';
import { Operator } from './fixture.ts';

test('why: facts with their positions, desired, applied and observed side by side', async () => {
  await using ctx = await SinkContext.open();
  const platform = await ctx.platform();
  const integration = await ctx.integrate(platform);
  await ctx.commit(unit('1', null, 'Acme'), unit('2', '1', 'Shop'), role('r', 'Seller'));
  await ctx.commit(person('7'), member('m7', '7', '2'), assigned('a7', 'm7', 'r'), person('8', { email: null }));
  await ctx.prove();
  ctx.start();
  await ctx.converged();
  const operator = new Operator(ctx, integration);
  const { state, result } = await operator.ask('explain', { kind: 'person', id: '7' });
  expect(state).toBe('done');
  const view = { firstName: 'First 7', email: 'p7@example.org', active: true, departments: ['unit/2'] };
  expect(result).toMatchObject({
    facts: [
      { kind: 'person', id: '7', position: { epoch: '1', lsn: '3', seq: 1 }, fields: { email: 'p7@example.org' } },
      { kind: 'membership', id: 'm7', fields: { unit_id: '2' } },
      { kind: 'assignment', id: 'a7' },
    ],
    applied: { ...view, permissionTypes: ['r'] },
    observed: { state: 'seen', value: view },
    assessment: { operations: [], code: null },
    next: { kind: 'settled' },
    work: null,
    holds: null,
    resolution: null,
  });
  const parked = await operator.ask('explain', { kind: 'person', id: '8' });
  expect(parked.result).toMatchObject({
    observed: { state: 'not_linked' },
    work: { state: 'parked', code: 'EMAIL_MISSING' },
    next: { kind: 'park', code: 'EMAIL_MISSING' },
    assessment: { code: 'EMAIL_MISSING' },
  });
  const shop = await operator.ask('explain', { kind: 'unit', id: '2' });
  expect(shop.result).toMatchObject({
    applied: { name: 'Shop', parent: 'unit/1' },
    observed: { value: { name: 'Shop', parent: 'unit/1' } },
  });
  expect(await operator.ask('explain', { kind: 'unit', id: '404' })).toMatchObject({ code: 'NOT_FOUND' });
});

test('a target that does not answer is said to be so, in time for who waits', async () => {
  await using ctx = await SinkContext.open();
  const platform = await ctx.platform();
  const operator = new Operator(ctx, await ctx.integrate(platform));
  await ctx.commit(unit('1', null, 'Acme'), person('7'), member('m7', '7', '1'));
  await ctx.prove();
  ctx.start({ callTimeoutMs: 30_000 });
  await ctx.converged();
  await platform.fault({ kind: 'latency', ms: 8_000, match: { method: 'GET', route: '/users/:id' } });
  const startedAt = performance.now();
  const { result } = await operator.ask('explain', { kind: 'person', id: '7' });
  expect(result).toMatchObject({ observed: { state: 'unknown', code: 'TARGET_UNREACHABLE' } });
  expect(performance.now() - startedAt).toBeLessThan(6_000);
  await platform.heal();
});
