import { createLogger } from '@orgstream/runtime';
import { until } from '@orgstream/testkit';
import { expect, test } from 'vitest';
import { query } from '../ingest/query.ts';
import { SinkContext } from '../reconcile/fixture.ts';
import { createRetention, dropOldAttempts } from './retention.ts';

async function attempt(ctx: SinkContext, integration: string, state: string, ageDays: number): Promise<void> {
  await query(
    ctx.db,
    `insert into sink.attempt (integration_id, kind, object_id, op, state, cause_epoch, cause_lsn, lease_token, sent_at)
     values (?, 'person', ?, 'user.update', ?, 1, 1, 1, now() - ? * interval '1 day')`,
    [integration, `${state}${ageDays}`, state, ageDays],
  );
}

const left = async ({ db }: SinkContext): Promise<readonly string[]> =>
  (await query<{ id: string }>(db, `select object_id as id from sink.attempt a order by a.id`, [])).map(({ id }) => id);

test('old attempts go, open ones never, young ones stay', async () => {
  await using ctx = await SinkContext.open();
  const integration = await ctx.integrate(await ctx.platform());
  const all = [
    ['done', 500],
    ['sent', 500],
    ['failed', 401],
    ['unknown', 401],
    ['done', 399],
    ['failed', 0],
  ] as const;
  for (const [state, age] of all) await attempt(ctx, integration, state, age);
  expect(await dropOldAttempts(ctx.db, 400)).toBe(2);
  expect(await left(ctx)).toEqual(['sent500', 'unknown401', 'done399', 'failed0']);
  expect(await dropOldAttempts(ctx.db, 400)).toBe(0);
});

test('items of ended runs and answers to why go too', async () => {
  await using ctx = await SinkContext.open();
  const integration = await ctx.integrate(await ctx.platform());
  for (const [finished, id] of [
    ['500 days', 'old'],
    ['1 day', 'young'],
  ] as const) {
    await query(
      ctx.db,
      `with r as (insert into sink.run (integration_id, kind, state, finished_at)
         values (?, 'sync', 'done', now() - ?::interval) returning id)
       insert into sink.run_item (run_id, kind, id, state) select id, 'person', ?, 'applied' from r`,
      [integration, finished, id],
    );
  }
  await query(
    ctx.db,
    `insert into control.command (addressee, kind, state, result, updated_at)
     values ('learningbank-sink', 'explain', 'done', '{"email": "x"}', now() - interval '2 hours'),
            ('learningbank-sink', 'explain', 'done', '{"email": "y"}', now())`,
    [],
  );
  const stop = new AbortController();
  const log = createLogger({ service: 'test', level: 'silent' });
  const run = createRetention({ db: ctx.db, log, attemptDays: 400, everyMs: 50 }).run(stop.signal);
  const answers = (): Promise<readonly { result: unknown }[]> =>
    query(ctx.db, `select result from control.command where result is not null`, []);
  await until(async () => (await answers()).length === 1, { deadlineMs: 5_000, what: 'the old answer to go' });
  expect(await answers()).toEqual([{ result: { email: 'y' } }]);
  expect(await query(ctx.db, `select id from sink.run_item`, [])).toEqual([{ id: 'young' }]);
  stop.abort();
  await run;
});
