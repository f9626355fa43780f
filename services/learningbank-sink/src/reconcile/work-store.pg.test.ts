import { until } from '@orgstream/testkit';
import { expect, test } from 'vitest';
import { platformLeases } from '../platform/lease-store.ts';
import { markDependants } from './dependants.ts';
import { member, person, SinkContext, unit } from './fixture.ts';
import { type Claimed, undecided, type WorkKey } from './keys.ts';
import { endWork, type Verdict } from './end-work.ts';
import { markWork, readRipe } from './work-store.ts';

/** A tenant whose reconciler does not run: its rows are as ingest left them. */
async function atRest(ctx: SinkContext): Promise<string> {
  const integration = await ctx.integrate(await ctx.platform());
  await ctx.commit(unit('1', null, 'Acme'), unit('11', '1', 'North'), person('a'), member('ma', 'a', '11'));
  return integration;
}

function causeOf(key: WorkKey): Claimed {
  const cause = { causeEpoch: 1, causeLsn: 1, committedAtMs: 0 };
  return { ...key, ...cause, lane: 1, generation: 1, attempts: 0, open: false, standing: undecided };
}

async function rowOf(ctx: SinkContext, { kind, id }: WorkKey): Promise<Record<string, unknown>> {
  const { rows } = await ctx.db.raw<{ rows: Record<string, unknown>[] }>(
    `select *, next_at <= now() as due from sink.work where kind = ? and id = ?`,
    [kind, id],
  );
  return rows[0]!;
}

const change = (ctx: SinkContext, { kind, id }: WorkKey, set: string) =>
  ctx.db.raw(`update sink.work set ${set} where kind = ? and id = ?`, [kind, id]);

async function end(ctx: SinkContext, key: WorkKey, verdict: Verdict): Promise<void> {
  await ctx.db.raw(`insert into sink.platform (id, base_url) values ('p', 'http://p') on conflict do nothing`);
  const token = (await platformLeases(ctx.db).take({ key: 'p', owner: 'one', leaseMs: 60_000 })) ?? 1;
  const generation = Number((await rowOf(ctx, key))['generation']);
  await endWork(ctx.db, { platform: 'p', token, ends: [{ key, generation, verdict }] });
}

test('an object that a live one needs is lifted out of the gap, its dependants are not', async () => {
  await using ctx = await SinkContext.open();
  const integrationId = await atRest(ctx);
  const north = { integrationId, kind: 'unit', id: '11' } as const;
  const someone = { integrationId, kind: 'person', id: 'a' } as const;
  await ctx.db.raw(`update sink.work set lane = 3, for_run = 'gap'`);
  await markDependants(ctx.db, { key: north, tenant: 'eu1.42', cause: causeOf(north) });
  expect(await rowOf(ctx, someone)).toMatchObject({ lane: 3, for_run: 'gap' });
  await markWork(ctx.db, { key: north, lane: 1, cause: causeOf(north) });
  expect(await rowOf(ctx, north)).toMatchObject({ lane: 1, for_run: null });
  await change(ctx, someone, `lane = 1, for_run = null`);
  await change(ctx, north, `lane = 3, for_run = 'gap'`);
  await end(ctx, someone, { to: 'wait', on: north, code: null });
  expect(await rowOf(ctx, north)).toMatchObject({ lane: 1, for_run: null });
  expect(await rowOf(ctx, { integrationId, kind: 'unit', id: '1' })).toMatchObject({ lane: 3, for_run: 'gap' });
});

test('asking for an object neither lets go what is held nor makes half a transaction ripe', async () => {
  await using ctx = await SinkContext.open();
  const integrationId = await atRest(ctx);
  const key = { integrationId, kind: 'person', id: 'a' } as const;
  await change(ctx, key, `state = 'held', code = 'REJECTED', hold_code = 'REJECTED', hold_hash = 'h'`);
  await markWork(ctx.db, { key, lane: 1, cause: causeOf(key) });
  expect(await rowOf(ctx, key)).toMatchObject({ state: 'held', code: 'REJECTED', hold_hash: 'h' });
  await change(ctx, key, `state = 'ready', ripe = false, next_at = now() + interval '2 s'`);
  await markWork(ctx.db, { key, lane: 1, cause: causeOf(key) });
  expect(await rowOf(ctx, key)).toMatchObject({ state: 'ready', ripe: false, due: false });
});

test('what an operator decided while the object was in work stands', async () => {
  await using ctx = await SinkContext.open();
  const integrationId = await atRest(ctx);
  const key = { integrationId, kind: 'person', id: 'a' } as const;
  const held = { to: 'held', code: 'BRAKE_TRIPPED', operations: ['deactivate'], hash: 'h' } as const;
  await change(ctx, key, `approved_hash = 'h'`);
  await end(ctx, key, held);
  expect(await rowOf(ctx, key)).toMatchObject({ state: 'ready', code: null, hash: 'h', operations: ['deactivate'] });
  await change(ctx, key, `approved_hash = 'another'`);
  await end(ctx, key, held);
  expect(await rowOf(ctx, key)).toMatchObject({ state: 'held', code: 'BRAKE_TRIPPED' });
  await change(ctx, key, `approved_hash = null, hold_code = 'REJECTED', hold_hash = 'h'`);
  await end(ctx, key, held);
  expect(await rowOf(ctx, key)).toMatchObject({ state: 'held', code: 'REJECTED', hold_hash: 'h' });
});

test('what runs and operators decided is claimed with the object', async () => {
  await using ctx = await SinkContext.open();
  const integrationId = await atRest(ctx);
  const key = { integrationId, kind: 'person', id: 'a' } as const;
  const runId = '00000000-0000-4000-8000-000000000001';
  await change(
    ctx,
    key,
    `run_id = '${runId}', own_lane = 1, hash = 'h0', hold_code = 'UNDONE', hold_hash = 'h1', approved_hash = 'h2', approved_operations = '{move}',
     undo = '{"applied": null}'`,
  );
  const claim = { integrations: [integrationId], lanes: [0, 1, 2], perKind: 10, sinceToken: 0 };
  const claimed = (await readRipe(ctx.db, claim)).find(({ kind }) => kind === 'person')!;
  expect(claimed.standing).toEqual({
    runId,
    isFirst: false,
    own: true,
    hash: 'h0',
    holdCode: 'UNDONE',
    holdHash: 'h1',
    approvedHash: 'h2',
    approvedOperations: ['move'],
    undo: { applied: null },
  });
});

test('an undone object goes back past the brake, and stays there as long as the same is desired', async () => {
  await using ctx = await SinkContext.open();
  const { platform } = await ctx.synced(unit('1', null, 'Acme'), person('a'), member('ma', 'a', '1'));
  await ctx.commit(person('a', { firstName: 'Wrong' }));
  await ctx.converged();
  await ctx.db.raw(
    `insert into sink.work (integration_id, kind, id, lane, cause_epoch, cause_lsn, committed_at, undo)
     select integration_id, kind, object_id, 2, 0, 0, now(), jsonb_build_object('applied', before)
       from sink.attempt where op = 'user.update'`,
  );
  await ctx.db.raw(`select pg_notify('orgstream_work', '')`);
  const soon = { deadlineMs: 5_000, what: 'the undone one to be held' };
  await until(async () => (await ctx.work()).some(({ state, code }) => state === 'held' && code === 'UNDONE'), soon);
  const name = async () => (await platform.state()).users[0]!.firstName;
  expect(await name()).toBe('First a');
  await ctx.commit(person('a', { firstName: 'Wrong', language: 'sv' }));
  await until(async () => (await ctx.work()).some(({ state, code }) => state === 'held' && code === 'UNDONE'), soon);
  expect(await name()).toBe('First a');
  await ctx.commit(person('a', { firstName: 'Right' }));
  await until(async () => (await name()) === 'Right', { deadlineMs: 5_000, what: 'what is desired since' });
  await until(async () => (await ctx.work()).length === 0, { deadlineMs: 5_000, what: 'nothing to be left' });
});

test('whoever refers to what is gone is looked at again, though it was parked meanwhile; what is held stays held', async () => {
  await using ctx = await SinkContext.open();
  const integrationId = await atRest(ctx);
  const north = { integrationId, kind: 'unit', id: '11' } as const;
  const someone = { integrationId, kind: 'person', id: 'a' } as const;
  const asked = () => markDependants(ctx.db, { key: north, tenant: 'eu1.42', cause: causeOf(north) });
  // Its call named the department that is gone, before anybody knew.
  await end(ctx, someone, { to: 'parked', code: 'TARGET_REFUSED' });
  await asked();
  expect(await rowOf(ctx, someone)).toMatchObject({ state: 'ready', due: true });
  await change(ctx, someone, `state = 'held', code = 'UNDONE'`);
  await asked();
  expect(await rowOf(ctx, someone)).toMatchObject({ state: 'held', code: 'UNDONE' });
});
