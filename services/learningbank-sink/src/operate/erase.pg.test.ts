import type { OutRecord, Producer } from '@orgstream/kafka';
import { insertCommand, readCommand, type CommandRow } from '@orgstream/database';
import { createLogger } from '@orgstream/runtime';
import { until } from '@orgstream/testkit';
import { expect, test } from 'vitest';
import { query } from '../ingest/query.ts';
import { fact } from '../ingest/fixture.ts';
import { assigned, member, person, role, SinkContext, unit } from '../reconcile/fixture.ts';
import { createErase } from './erase.ts';
import { Operator } from './fixture.ts';

const tenant = 'eu1.42';

/** Keeps what it is given; `partitions` as the real topic. */
function memoryKafka(): { readonly kafka: { createProducer(): Promise<Producer> }; readonly records: OutRecord[] } {
  const records: OutRecord[] = [];
  const producer: Producer = {
    writer: (topic, partition) => ({ topic, partition, append: async (some) => void records.push(...some) }),
    partitions: () => Promise.resolve(12),
    pendingBytes: 0,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  return { kafka: { createProducer: () => Promise.resolve(producer) }, records };
}

async function eraseNow(ctx: SinkContext, personId: string, of = tenant) {
  const { kafka, records } = memoryKafka();
  const stop = new AbortController();
  const log = createLogger({ service: 'test', level: 'silent' });
  const run = createErase({ db: ctx.db, kafka, log, now: () => new Date(0), pollMs: 20 }).run(stop.signal);
  try {
    const payload = { tenant: of, person: personId, by: 'a test' };
    const id = await insertCommand(ctx.db, { addressee: 'learningbank-sink', kind: 'erase', payload });
    const ended = async (): Promise<CommandRow | undefined> => {
      const row = await readCommand(ctx.db, id);
      return row?.state === 'done' || row?.state === 'failed' ? row : undefined;
    };
    return { command: await until(ended, { deadlineMs: 10_000, what: 'the erasure to end' }), records };
  } finally {
    stop.abort();
    await run;
  }
}

/** Every text and json of schema sink, and of the commands' answers. */
async function everyText(ctx: SinkContext): Promise<string> {
  const columns = await query<{ of: string; column_name: string }>(
    ctx.db,
    `select format('%I.%I', table_schema, table_name) as of, column_name from information_schema.columns
      where (table_schema = 'sink' or table_name = 'command') and data_type in ('text', 'jsonb', 'ARRAY')`,
    [],
  );
  const dumps = await Promise.all(
    columns.map(({ of, column_name }) =>
      query<{ text: string | null }>(ctx.db, `select string_agg("${column_name}"::text, ' ') as text from ${of}`, []),
    ),
  );
  return dumps.map((rows) => rows[0]!.text ?? '').join('\n');
}

async function organisation(ctx: SinkContext): Promise<string> {
  const platform = await ctx.platform();
  const integration = await ctx.integrate(platform);
  await ctx.commit(unit('1', null, 'Acme'), unit('2', '1', 'Shop'), role('r', 'Seller'));
  await ctx.commit(
    person('7', { firstName: 'Zebedee', lastName: 'Quux', email: 'zebedee@quux.example' }),
    member('m7', '7', '2'),
    assigned('a7', 'm7', 'r'),
    person('8'),
    member('m8', '8', '2'),
  );
  await ctx.prove();
  return integration;
}

test('an erased person leaves no trace of name or address, and does not come back by changes, snapshot or replay', async () => {
  await using ctx = await SinkContext.open();
  const integration = await organisation(ctx);
  ctx.start();
  await ctx.converged();
  await ctx.commit(person('7', { firstName: 'Zebedee', lastName: 'Quuux', email: 'zebedee@quux.example' }));
  await ctx.converged();
  await query(
    ctx.db,
    `insert into control.command (addressee, kind, payload, state, result)
     values ('learningbank-sink', 'explain', ?, 'done', '{"applied": {"email": "zebedee@quux.example"}}')`,
    [JSON.stringify({ integration, kind: 'person', id: '7' })],
  );
  expect(await everyText(ctx)).toMatch(/zebedee/i);
  const { command, records } = await eraseNow(ctx, '7');
  expect(command).toMatchObject({ state: 'done', code: null });
  expect(command.result).toMatchObject({ tombstones: 6, rows: { person: 1, membership: 1, assignment: 1, link: 1 } });
  expect((command.result as { target: unknown[] }).target).toMatchObject([{ integration, targetId: 10_001 }]);
  const asked = await query<{ addressee: string; payload: unknown }>(
    ctx.db,
    `select addressee, payload from control.command where kind = 'person.forget' order by addressee`,
    [],
  );
  const payload = { tenant, person: '7', receivers: [{ integration, receiver: '10001' }] };
  expect(asked).toEqual([
    { addressee: 'edge', payload },
    { addressee: 'notification-bridge', payload },
  ]);
  expect(records.map(({ key, value }) => [key, value])).toEqual(
    ['person/7', 'membership/m7', 'assignment/a7'].flatMap((key) => [
      [`${tenant}/${key}`, null],
      [`${tenant}/${key}/rejected`, null],
    ]),
  );
  const traces = /zebedee|quux/i;
  expect(await everyText(ctx)).not.toMatch(traces);
  await ctx.commit(
    person('7', { firstName: 'Zebedee', lastName: 'Quux', email: 'zebedee@quux.example' }),
    member('m7', '7', '2'),
  );
  await ctx.commit(person('8', { firstName: 'Still here' }));
  const said = { tenant, id: '7', firstName: 'Zebedee', lastName: 'Quux', email: 'zebedee@quux.example' };
  await ctx.take([
    fact('person', { ...said, lsn: 1_000, snapshotId: 's2', chunk: 1 }),
    fact('person', { ...said, lsn: 900 }),
  ]);
  await ctx.converged();
  expect(await everyText(ctx)).not.toMatch(traces);
});

test('a call that is under way is waited for; what it would leave behind is not written', async () => {
  await using ctx = await SinkContext.open();
  const platform = await ctx.platform();
  await ctx.integrate(platform);
  await ctx.commit(unit('1', null, 'Acme'));
  await ctx.prove();
  ctx.start();
  await ctx.converged();
  await platform.fault({ kind: 'latency', ms: 800, match: { method: 'POST', route: '/users' } });
  await ctx.commit(person('7', { lastName: 'Quux', email: 'zebedee@quux.example' }), member('m7', '7', '1'));
  await until(async () => (await ctx.openAttempts()) > 0, { deadlineMs: 5_000, what: 'the call' });
  const { command } = await eraseNow(ctx, '7');
  await ctx.converged();
  expect(await everyText(ctx)).not.toMatch(/zebedee|quux/i);
  expect((command.result as { target: unknown[] }).target).toMatchObject([{ targetId: 10_001 }]);
});

test('a drift repair or an undo that was planned shows nothing any more; others who waited for the address go on', async () => {
  await using ctx = await SinkContext.open();
  const integration = await organisation(ctx);
  ctx.start();
  await ctx.converged();
  const operator = new Operator(ctx, integration);
  await ctx.commit(person('9', { firstName: 'Other', email: 'zebedee@quux.example' }), member('m9', '9', '2'));
  await ctx.converged();
  expect(await ctx.work()).toMatchObject([{ id: '9', code: 'EMAIL_TAKEN' }]);
  const run = await operator.plan('undo', { kind: 'person', id: '7' });
  expect(await operator.items(run)).toHaveLength(1);
  await eraseNow(ctx, '7');
  expect(await operator.items(run)).toEqual([]);
  // The user remains in Learningbank, so the address is still taken there: it is adopted, as any user is by e-mail.
  await until(async () => (await ctx.work()).length === 0, { deadlineMs: 10_000, what: 'the other person to go on' });
  expect(await query(ctx.db, `select id from sink.link where kind = 'person' order by id`, [])).toEqual([
    { id: '8' },
    { id: '9' },
  ]);
});

test('an erasure done twice says so; one of an unknown tenant is refused', async () => {
  await using ctx = await SinkContext.open();
  await organisation(ctx);
  expect((await eraseNow(ctx, '7')).command.state).toBe('done');
  const again = await eraseNow(ctx, '7');
  expect(again.command).toMatchObject({ state: 'done', result: { tombstones: 2, rows: { person: 0, link: 0 } } });
  expect((await eraseNow(ctx, '7', 'eu1.404')).command).toMatchObject({ state: 'failed', code: 'NOT_FOUND' });
});
