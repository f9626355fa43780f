import { until } from '@orgstream/testkit';
import { expect, test } from 'vitest';
import { platformLeases } from '../platform/lease-store.ts';
import { openAttempts } from './attempt-store.ts';
import { member, person, SinkContext, type SimPlatform, unit } from './fixture.ts';
import { type Claimed, undecided } from './keys.ts';
import { endWork } from './end-work.ts';

const people = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, n) => `${prefix}${n}`).flatMap((id) => [person(id), member(`m${id}`, id, '1')]);

async function begin(ctx: SinkContext, count: number): Promise<{ platform: SimPlatform; integration: string }> {
  const platform = await ctx.platform();
  const integration = await ctx.integrate(platform);
  await ctx.commit(unit('1', null, 'Acme'), ...people('a', count));
  await ctx.prove();
  return { platform, integration };
}

/** No two users for one person: emails and markers are all different. */
async function expectNoDuplicates(platform: SimPlatform, users: number): Promise<void> {
  const state = await platform.state();
  expect(state.users).toHaveLength(users);
  expect(new Set(state.users.map(({ externalId }) => externalId)).size).toBe(users);
}

test('killed between the call and its link: the next owner finds what was made, nothing is doubled', async () => {
  await using ctx = await SinkContext.open();
  const { platform } = await begin(ctx, 40);
  // Eight calls do their work and never answer; then the process dies with their attempts open.
  await platform.fault({ kind: 'hang', afterWrite: true, count: 8, match: { method: 'POST', route: '/users' } });
  const first = await ctx.spawn({ callTimeoutMs: 20_000, leaseMs: 1_000 });
  await until(async () => (await platform.state()).users.length >= 8 && (await ctx.openAttempts()) >= 8, {
    deadlineMs: 20_000,
    what: 'eight calls under way',
  });
  first.kill('SIGKILL');
  await first.exited;
  ctx.start({ callTimeoutMs: 500, leaseMs: 1_000 });
  await ctx.converged(30_000);
  await expectNoDuplicates(platform, 40);
  expect(await ctx.openAttempts()).toBe(0);
  const { rows } = await ctx.db.raw<{ rows: { n: string }[] }>(
    `select count(*) as n from sink.link where kind = 'person' and made_by_us`,
  );
  expect(Number(rows[0]!.n)).toBe(40);
});

test('paused while another takes over: the stale owner writes nothing more', async () => {
  await using ctx = await SinkContext.open();
  const { platform } = await begin(ctx, 5);
  const first = await ctx.spawn({ leaseMs: 1_000 });
  await ctx.converged(20_000);
  first.kill('SIGSTOP');
  const second = ctx.start({ leaseMs: 1_000 });
  await until(() => second.reconciler.platforms.length === 1, { deadlineMs: 10_000, what: 'the take-over' });
  await ctx.commit(...people('b', 50));
  first.kill('SIGCONT');
  await ctx.converged(20_000);
  await expectNoDuplicates(platform, 55);
  const { rows } = await ctx.db.raw<{ rows: { lease_token: string; n: string }[] }>(
    `select lease_token, count(*) as n from sink.attempt where op = 'user.create' group by 1 order by 1`,
  );
  expect(rows.map(({ lease_token, n }) => [Number(lease_token), Number(n)])).toEqual([
    [1, 5],
    [2, 50],
  ]);
  expect(second.reconciler.platforms).toHaveLength(1);
});

test('a stale token opens no attempt and ends no work; a disabled or changed integration opens none either', async () => {
  await using ctx = await SinkContext.open();
  const { integration } = await begin(ctx, 1);
  await ctx.db.raw(`insert into sink.platform (id, base_url) values ('p', 'http://p')`);
  const stale = (await platformLeases(ctx.db).take({ key: 'p', owner: 'one', leaseMs: 60_000 }))!;
  await platformLeases(ctx.db).release({ key: 'p', token: stale });
  const token = (await platformLeases(ctx.db).take({ key: 'p', owner: 'two', leaseMs: 60_000 }))!;
  expect(token).toBe(stale + 1);
  const key = { integrationId: integration, kind: 'person', id: 'a0' } as const;
  const cause: Claimed = {
    ...key,
    lane: 1,
    generation: 1,
    attempts: 0,
    causeEpoch: 1,
    causeLsn: 1,
    committedAtMs: 0,
    open: false,
    standing: undecided,
  };
  const open = (by: number, generation: number) =>
    openAttempts(ctx.db, {
      platform: 'p',
      token: by,
      starts: [
        { key, op: 'user.create', targetId: null, after: {}, cause, generation, operations: [], approved: false },
      ],
    });
  expect(await open(stale, 1)).toEqual(['lease_lost']);
  expect(await open(token, 2)).toEqual(['disabled']);
  expect(await open(token, 1)).toEqual([expect.any(Number)]);
  const before = await ctx.work();
  const ends = before.map((row) => ({
    key: { integrationId: integration, kind: row.kind as 'unit', id: row.id },
    generation: 1,
    verdict: { to: 'settle', freed: false } as const,
  }));
  await endWork(ctx.db, { platform: 'p', token: stale, ends });
  expect(await ctx.work()).toEqual(before);
  await ctx.db.raw(`update control.integration set enabled = false`);
  expect(await open(token, 1)).toEqual(['disabled']);
});

test('two replicas share the platforms; what a stopped one leaves is taken at once', async () => {
  await using ctx = await SinkContext.open();
  for (let n = 0; n < 4; n += 1) {
    const platform = await ctx.platform();
    await ctx.integrate(platform, { tenant: `eu1.${n}` });
  }
  const one = ctx.start();
  await until(() => one.reconciler.platforms.length === 4, { deadlineMs: 10_000, what: 'all four taken' });
  const two = ctx.start();
  await until(() => one.reconciler.platforms.length === 2 && two.reconciler.platforms.length === 2, {
    deadlineMs: 10_000,
    what: 'two each',
  });
  await one.stop();
  await until(() => two.reconciler.platforms.length === 4, { deadlineMs: 10_000, what: 'all four taken over' });
  expect(one.reconciler.platforms).toEqual([]);
});

test('two replicas at once: every person once', async () => {
  await using ctx = await SinkContext.open();
  const { platform } = await begin(ctx, 100);
  ctx.start({ leaseMs: 500 });
  ctx.start({ leaseMs: 500 });
  await ctx.converged(20_000);
  await ctx.commit(...people('b', 50));
  await ctx.converged(20_000);
  expect(await ctx.work()).toEqual([]);
  await expectNoDuplicates(platform, 150);
});
