import { defaultBrake, type Operation } from '@orgstream/core';
import { until } from '@orgstream/testkit';
import { expect, test } from 'vitest';
import { person, SinkContext, unit } from '../reconcile/fixture.ts';
import { Brake } from './brake.ts';

const many = 600;
const people = Array.from({ length: many }, (_, n) => `p${n}`);

/** A brake that has begun to look at what six hundred people want, and comes to an end of it when it is told to. */
async function looking(ctx: SinkContext, leavers: readonly string[]) {
  const integrationId = await ctx.integrate(await ctx.platform());
  const { db } = ctx;
  await ctx.commit(unit('1', null, 'Acme'), ...people.map((id) => person(id)));
  await db.raw(`insert into sink.platform (id, base_url, lease_token) values ('p', 'http://p', 1)`);
  await db.raw(`insert into sink.integration_state (integration_id, tenant, state, platform) values (?, 'eu1.42', 'live', 'p')`, [integrationId]); // prettier-ignore
  await db.raw(
    `insert into sink.link (integration_id, kind, id, platform, target_id, made_by_us, applied)
     select ?, 'person', id, 'p', row_number() over (), true, '{"active": true}' from sink.person`,
    [integrationId],
  );
  await ctx.commit(...leavers.map((id) => person(id, { active: false })));
  let asked = 0;
  const seen = Promise.withResolvers<void>();
  const brake = new Brake({
    db,
    fence: { platform: 'p', token: 1 },
    integrationId,
    clock: () => performance.now(),
    assess: async (_, ids) => {
      asked += 1;
      await seen.promise;
      const what = (id: string): Operation => (leavers.includes(id) ? 'deactivate' : 'reactivate');
      return new Map(ids.map((id) => [id, { operations: [what(id)], hash: id }]));
    },
    onTripped: () => {},
  });
  const admit = async (id: string, operation: Operation) => {
    const { rows } = await db.raw<{ rows: { generation: string }[] }>(
      `select generation from sink.work where kind = 'person' and id = ?`,
      [id],
    );
    const generation = Number(rows[0]!.generation);
    const limits = defaultBrake;
    return brake.admit({ kind: 'person', id, generation, operations: [operation], limits, isFirstSync: false });
  };
  void admit('p599', 'rename');
  await until(() => asked > 0, { deadlineMs: 5_000, what: 'the brake to look' });
  return { admit, see: () => seen.resolve() };
}

test('who leaves does not wait until it is known what a bulk of other people want', async () => {
  await using ctx = await SinkContext.open();
  const { admit } = await looking(ctx, ['p1', 'p2']);
  expect(await Promise.all([admit('p1', 'deactivate'), admit('p2', 'deactivate')])).toMatchObject([
    { pass: true },
    { pass: true },
  ]);
});

test('beside that look no more leave than are allowed', async () => {
  await using ctx = await SinkContext.open();
  const leavers = people.slice(0, 31);
  const { admit, see } = await looking(ctx, leavers);
  const asking = leavers.map((id) => admit(id, 'deactivate'));
  see();
  expect((await Promise.all(asking)).filter(({ pass }) => pass)).toEqual([]);
});
