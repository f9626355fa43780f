import { expect, test } from 'vitest';
import { eraseTenant } from './erase.ts';
import { fact, IngestContext, marker, rejected, TENANT } from './fixture.ts';
import { query } from './query.ts';

const S = { snapshotId: 's' };

/** Person p is in the register; nothing of anybody was read yet. */
async function registered(): Promise<IngestContext> {
  const ctx = await IngestContext.open();
  await query(ctx.db, `insert into sink.erased (tenant, person_id) values (?, 'p')`, [TENANT]);
  return ctx;
}

const facts = (lsn: number) => [
  fact('person', { lsn, id: 'p' }),
  fact('person', { lsn, seq: 2, id: 'q' }),
  fact('membership', { lsn, seq: 3, id: 'm', personId: 'p', unitId: 'u' }),
  fact('membership', { lsn, seq: 4, id: 'n', personId: 'q', unitId: 'u' }),
  fact('assignment', { lsn, seq: 5, id: 'a', membershipId: 'm', roleId: 'r' }),
  fact('assignment', { lsn, seq: 6, id: 'b', membershipId: 'n', roleId: 'r' }),
];

async function expectNothingOf(ctx: IngestContext): Promise<void> {
  expect(await ctx.row('person', 'p')).toMatchObject({ deleted: true, first_name: null, last_name: null, email: null });
  expect(await ctx.row('membership', 'm')).toMatchObject({ deleted: true, person_id: null, unit_id: null });
  expect(await ctx.row('assignment', 'a')).toMatchObject({ deleted: true, membership_id: null });
  expect(await ctx.row('person', 'q')).toMatchObject({ deleted: false, first_name: 'Ada' });
  expect(await ctx.row('membership', 'n')).toMatchObject({ deleted: false, person_id: 'q' });
  expect(await ctx.row('assignment', 'b')).toMatchObject({ deleted: false, membership_id: 'n' });
  expect((await ctx.work()).map(({ id }) => id)).not.toContain('p');
}

test('whatever comes of an erased person leaves ids only, and marks nobody', async () => {
  await using ctx = await registered();
  await ctx.take(...facts(5));
  await expectNothingOf(ctx);
  await ctx.take(fact('person', { lsn: 6, id: 'p', firstName: 'Back' }));
  await expectNothingOf(ctx);
});

test('a replay neither', async () => {
  await using ctx = await registered();
  await ctx.takeAgain(...facts(5));
  await expectNothingOf(ctx);
});

test('a rejection of an erased person parks nobody', async () => {
  await using ctx = await registered();
  await ctx.take(rejected('person', { lsn: 5, id: 'p' }));
  expect(await ctx.work()).toEqual([]);
  expect(await ctx.row('person', 'p')).toMatchObject({ deleted: true, rejected_code: null });
});

test('a snapshot that still meets an erased person is proved: its rows are counted', async () => {
  await using ctx = await registered();
  const row = (kind: 'person' | 'membership', id: string, rest: object = {}) =>
    fact(kind, { lsn: 10, id, ...S, chunk: kind === 'person' ? 1 : 2, ...rest });
  const { snapshots } = await ctx.take(
    marker('start', { lsn: 10, ...S }),
    row('person', 'p'),
    row('person', 'q'),
    row('membership', 'm', { personId: 'p', unitId: 'u' }),
    marker('end', {
      lsn: 11,
      ...S,
      chunks: [
        { no: 1, kind: 'person', rows: 2 },
        { no: 2, kind: 'membership', rows: 1 },
      ],
    }),
  );
  expect(snapshots).toMatchObject([{ state: 'proved' }]);
  expect(await ctx.row('person', 'p')).toMatchObject({ deleted: true, first_name: null });
});

test('the register survives the removal of the tenant', async () => {
  await using ctx = await registered();
  await query(ctx.db, `delete from control.integration`, []);
  expect(await eraseTenant(ctx.db, TENANT)).toBe(true);
  await ctx.integrate(TENANT);
  await ctx.take(...facts(5));
  await expectNothingOf(ctx);
});

test('the register of one tenant says nothing about another', async () => {
  await using ctx = await registered();
  await ctx.integrate('eu1.7');
  await ctx.take(fact('person', { lsn: 5, id: 'p', tenant: 'eu1.7' }));
  const [row] = await query<object>(ctx.db, `select deleted from sink.person where tenant = 'eu1.7'`, []);
  expect(row).toEqual({ deleted: false });
});
