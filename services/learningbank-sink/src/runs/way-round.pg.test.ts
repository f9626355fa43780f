import type { Knex } from '@orgstream/database';
import { until } from '@orgstream/testkit';
import { expect, test } from 'vitest';
import { openAttempts } from '../reconcile/attempt-store.ts';
import { type Integration, readIntegrations } from '../reconcile/integration-store.ts';
import { undecided } from '../reconcile/keys.ts';
import { member, person, SinkContext, unit } from '../reconcile/fixture.ts';
import { type Application, beginApplying } from './apply.ts';
import { decide } from './decide.ts';
import { live, planBesideParked } from './fixture.ts';
import { insertItems } from './item-store.ts';
import type { RunPlanner } from './kind.ts';
import { planners } from './kinds.ts';
import { insertRun, lockRun, moveRun, type NewRun } from './run-store.ts';
import { startRun } from './start.ts';

/** A live integration whose reconciler does not run. */
async function atRest(ctx: SinkContext): Promise<Integration> {
  await ctx.integrate(await ctx.platform());
  await ctx.commit(unit('1', null, 'Acme'), person('a'), member('ma', 'a', '1'));
  await ctx.prove();
  await readIntegrations(ctx.db);
  await ctx.db.raw(
    `insert into sink.platform (id, base_url, lease_token, lease_until) values ('p', 'http://p', 1, now() + interval '1 h')`,
  );
  await ctx.db.raw(`update sink.integration_state set state = 'live', platform = 'p'`);
  return (await readIntegrations(ctx.db))[0]!;
}

/** A planned run, locked. */
async function planned(
  tx: Knex,
  integration: Integration,
  run: Partial<NewRun> & Pick<NewRun, 'kind'>,
): Promise<Application['run']> {
  const { id: integrationId, tenant } = integration;
  const id = await insertRun(tx, { integrationId, tenant, state: 'planning', needsApproval: true, ...run });
  await insertItems(tx, id, [{ kind: 'person', id: 'a', operations: ['create'], before: null, after: null, hash: 'h', code: null }]); // prettier-ignore
  await tx.raw(`update sink.run set base_settings_version = 1, planner_version = 1 where id = ?`, [id]);
  await moveRun(tx, { id, state: 'planning' }, { state: 'planned' });
  return (await lockRun(tx, { id, integrationId }))!;
}

const applicationOf = (integration: Integration, run: Application['run'], planner: RunPlanner = planners.sync!) =>
  ({ run, integration, platform: 'p', planner, plannerVersion: 1 }) satisfies Application;

test('a dry run is never applied, whoever approves it in time', async () => {
  await using ctx = await SinkContext.open();
  const integration = await atRest(ctx);
  const approval = ctx.db.transaction(async (tx) => {
    const run = await planned(tx, integration, { kind: 'undo', dryRun: true });
    await decide(tx, applicationOf(integration, run), { run: run.id, decision: 'approve', by: 'ann' });
  });
  await expect(approval).rejects.toMatchObject({ code: 'RUN_STATE' });
});

test('"Initiate synchronisation" while a gap is only tried out starts a sync', async () => {
  await using ctx = await SinkContext.open();
  const integration = await atRest(ctx);
  const kinds = await ctx.db.transaction(async (tx) => {
    await planned(tx, integration, { kind: 'gap', dryRun: true });
    const starting = { integration, platform: 'p', planners, plannerVersion: 1 };
    const { run } = await startRun(tx, starting, { kind: 'sync', scope: { all: true }, dryRun: false, by: 'ann' });
    const { rows } = await tx.raw<{ rows: object[] }>(`select kind, dry_run from sink.run where id = ?`, [run]);
    return rows;
  });
  expect(kinds).toEqual([{ kind: 'sync', dry_run: false }]);
});

test('while a run is being put to work, facts are taken in and calls are made, of its integration too', async () => {
  await using ctx = await SinkContext.open();
  const integration = await atRest(ctx);
  const key = { integrationId: integration.id, kind: 'unit', id: '1' } as const;
  const cause = { ...key, lane: 1, generation: 1, attempts: 0, causeEpoch: 1, causeLsn: 1, committedAtMs: 0, open: false, standing: undecided }; // prettier-ignore
  const start = { key, op: 'department.update', targetId: 1, after: null, cause, generation: integration.generation, operations: [], approved: false } as const; // prettier-ignore
  let met: unknown;
  const planner: RunPlanner = {
    ...planners.sync!,
    async apply() {
      await ctx.commit(person('b'));
      met = await openAttempts(ctx.db, { platform: 'p', token: 1, starts: [start] });
    },
  };
  // Of connections that are made from here on: a lock that is not had ends the test.
  await ctx.db.raw(
    `do $$ begin execute format('alter database %I set lock_timeout = %L', current_database(), '2s'); end $$`,
  );
  await ctx.db.transaction(async (tx) => {
    const run = await planned(tx, integration, { kind: 'sync' });
    await beginApplying(tx, applicationOf(integration, run, planner), { choice: {}, by: 'ann' });
  });
  expect(met).toEqual([expect.any(Number)]);
});

const send = (ctx: SinkContext, on: boolean) =>
  ctx.db.raw(`update control.integration set paused = ?, generation = generation + 1`, [!on]);

test('who rejects all that would go on has approved nothing, not even what stands behind something parked', async () => {
  await using ctx = await SinkContext.open();
  const { operator } = await live(ctx, 2);
  const id = await planBesideParked(operator);
  expect((await operator.items(id)).map(({ key, code }) => [key, code])).toEqual([
    ['person/p0', null],
    ['person/x', 'EMAIL_TAKEN'],
  ]);
  await send(ctx, false);
  await operator.decide(id, 'reject', { operation: 'rename' });
  await operator.reaches(id, 'applying');
  const { rows } = await ctx.db.raw<{ rows: object[] }>(
    `select approved_hash, approved_operations from sink.work where kind = 'person' and id = 'x'`,
  );
  expect(rows).toEqual([{ approved_hash: null, approved_operations: null }]);
});

test('what is not undone, for it was changed since, was not approved to go forward either', async () => {
  await using ctx = await SinkContext.open();
  const { operator, platform } = await live(ctx, 25);
  await ctx.commit(person('p0', { firstName: 'New' }));
  await ctx.converged();
  const people = Array.from({ length: 25 }, (_, n) => `p${n}`);
  await ctx.commit(...people.map((id) => member(`m${id}`, id, '12')));
  const held = async () => (await ctx.work()).filter(({ code }) => code === 'BRAKE_TRIPPED').length === 25;
  await until(held, { deadlineMs: 10_000, what: 'all who move to be held' });
  const run = await operator.started('undo', { scope: { kind: 'person', id: 'p0' } });
  await operator.reaches(run, 'planned');
  await ctx.db.raw(
    `update sink.link set applied = applied || '{"lastName": "By another"}' where kind = 'person' and id = 'p0'`,
  );
  const writes = (await platform.writes()).length;
  await operator.decide(run, 'approve');
  await operator.reaches(run, 'done');
  expect(await operator.fates(run)).toEqual({ 'person/p0': 'superseded' });
  await until(held, { deadlineMs: 10_000, what: 'the brake to hold it again' });
  expect(await platform.writes()).toHaveLength(writes);
});
