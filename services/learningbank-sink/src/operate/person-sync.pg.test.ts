import { insertCommand, readCommand } from '@orgstream/database';
import { until } from '@orgstream/testkit';
import { beforeAll, describe, expect, test } from 'vitest';
import { query } from '../ingest/query.ts';
import { gone, member, person, SinkContext, unit } from '../reconcile/fixture.ts';
import { Operator } from './fixture.ts';
import { markPersonNow } from './person-sync-store.ts';

test('somebody in the gap is brought in with the units they need; everybody else waits', async () => {
  await using ctx = await SinkContext.open();
  const { platform, integration } = await ctx.synced(unit('1', null, 'Acme'), person('a'), member('ma', 'a', '1'));
  const enable = (enabled: boolean) =>
    ctx.db.raw(`update control.integration set enabled = ?, generation = generation + 1`, [enabled]);
  await enable(false);
  await ctx.commit(
    unit('12', '1', 'South'),
    unit('14', '1', 'Kiosk'),
    person('b'),
    member('mb', 'b', '12'),
    person('c'),
  );
  const operator = new Operator(ctx, integration);
  const ask = (id: string) => operator.ask('person.sync', { person: id, by: 'edge' });
  expect(await ask('b')).toMatchObject({ state: 'done', result: { marked: false } });
  await enable(true);
  expect(await ask('b')).toMatchObject({ state: 'done', result: { marked: true } });
  await until(async () => (await platform.state()).users.length === 2, { deadlineMs: 20_000, what: 'the newcomer' });
  await until(async () => (await ctx.work()).length === 2, { deadlineMs: 20_000, what: 'the rest of the gap alone' });
  expect((await ctx.work()).map(({ kind, id }) => `${kind} ${id}`)).toEqual(['person c', 'unit 14']);
  expect(await platform.tree()).toEqual(['/South']);
  // In step: nothing to do, and no call.
  const before = (await platform.state()).users;
  expect(await ask('b')).toMatchObject({ state: 'done', result: { marked: false } });
  expect((await platform.state()).users).toEqual(before);
});

test('who is left out by the filters is looked at and left out again', async () => {
  await using ctx = await SinkContext.open();
  const platform = await ctx.platform();
  const none = { include: [], exclude: [] };
  const filters = { users: { include: [], exclude: ['pb@example.org'] }, departments: none, jobProfiles: none, permissions: none }; // prettier-ignore
  const integration = await ctx.integrate(platform, { settings: { filters } });
  await ctx.commit(unit('1', null, 'Acme'), person('a'), member('ma', 'a', '1'), person('b'), member('mb', 'b', '1'));
  ctx.start();
  await ctx.prove();
  await ctx.converged();
  const operator = new Operator(ctx, integration);
  expect(await operator.ask('person.sync', { person: 'b', by: 'edge' })).toMatchObject({ result: { marked: true } });
  await until(async () => (await ctx.work()).length === 0, { deadlineMs: 20_000, what: 'nothing outstanding' });
  expect((await platform.state()).users.map(({ email }) => email)).toEqual(['pa@example.org']);
});

test('a command that nobody took while it mattered is refused', async () => {
  await using ctx = await SinkContext.open();
  const integration = await ctx.integrate(await ctx.platform());
  await ctx.commit(unit('1', null, 'Acme'), person('a'));
  const payload = { integration, person: 'a', by: 'edge' };
  const id = await insertCommand(ctx.db, { addressee: 'learningbank-sink', kind: 'person.sync', payload });
  await ctx.db.raw(`update control.command set created_at = now() - interval '1 minute'`);
  await ctx.db.raw(`update sink.work set lane = 2`);
  ctx.start();
  const ended = async () => {
    const row = await readCommand(ctx.db, id);
    return row?.state === 'failed' ? row : undefined;
  };
  const refused = await until(ended, { deadlineMs: 20_000, what: 'an answer' });
  expect(refused.code).toBe('COMMAND_UNANSWERED');
  expect(await query(ctx.db, `select lane from sink.work where kind = 'person'`, [])).toEqual([{ lane: 2 }]);
});

describe('what is marked', () => {
  let ctx: SinkContext;
  let integration: string;
  beforeAll(async () => {
    ctx = await SinkContext.open();
    integration = await ctx.integrate(await ctx.platform());
    await ctx.commit(unit('1', null, 'Acme'), ...['a', 'left', 'gone', 'odd', 'erased'].map((id) => person(id)));
    await ctx.commit(person('left', { active: false }), gone('person', 'gone'));
    await ctx.db.raw(`insert into sink.erased (tenant, person_id) values ('eu1.42', 'erased')`);
    await ctx.db.raw(
      `update sink.person set rejected_code = 'RECORD_INVALID', rejected_epoch = 1, rejected_lsn = 9, rejected_seq = 1, rejected_offset = 9 where id = 'odd'`,
    );
    return () => ctx[Symbol.asyncDispose]();
  });

  interface Row {
    readonly lane: number;
    readonly state: string;
    readonly own_lane: number | null;
    readonly for_run: string | null;
    readonly due: boolean;
  }

  const mark = async (id: string, set = ''): Promise<{ readonly marked: boolean; readonly row: Row | undefined }> => {
    if (set !== '') await ctx.db.raw(`update sink.work set ${set} where kind = 'person' and id = ?`, [id]);
    const marked = await markPersonNow(ctx.db, integration, id);
    const sql = `select lane, state, own_lane, for_run, next_at <= now() as due from sink.work where kind = 'person' and id = ?`;
    return { marked, row: (await query<Row>(ctx.db, sql, [id]))[0] };
  };

  const later = `next_at = now() + interval '1 hour', ripe = true`;

  test.each([
    ['bulk', `lane = 2, state = 'ready', ${later}`],
    ['the gap', `lane = 3, for_run = 'gap', state = 'ready', ${later}`],
    ['waiting', `lane = 1, state = 'waiting', ${later}`],
    ['parked', `lane = 1, state = 'parked', code = 'EMAIL_TAKEN', ${later}`],
  ])('%s becomes live and due', async (_name, set) => {
    expect(await mark('a', set)).toEqual({
      marked: true,
      row: { lane: 1, state: 'ready', own_lane: null, for_run: null, due: true },
    });
  });

  test('of a run that pauses: it is outstanding by itself besides', async () => {
    const set = `lane = 3, for_run = 'replay', run_id = gen_random_uuid(), own_lane = null, state = 'ready', ${later}`;
    expect((await mark('a', set)).row).toMatchObject({ lane: 1, own_lane: 1, for_run: null });
  });

  test('half a transaction does not become ripe', async () => {
    const { row } = await mark('a', `lane = 1, ripe = false, run_id = null, next_at = now() + interval '2 s'`);
    expect(row).toMatchObject({ due: false });
  });

  test.each([
    ['held', `state = 'held', code = 'BRAKE_TRIPPED', lane = 2, ${later}`],
    ['a match case', `state = 'conflict', code = 'MATCH_INACTIVE', lane = 2, ${later}`],
  ])('%s stays as it is', async (_name, set) => {
    expect(await mark('a', set)).toMatchObject({ marked: false, row: { lane: 2, due: false } });
  });

  test.each(['left', 'gone', 'odd', 'erased', 'nobody'])('%s is not marked', async (id) => {
    expect((await mark(id)).marked).toBe(false);
  });

  test('nobody of a login product', async () => {
    await ctx.db.raw(`update sink.work set state = 'ready' where id = 'a'`);
    await ctx.db.raw(`update control.integration set product = 'login'`);
    expect((await mark('a')).marked).toBe(false);
    await ctx.db.raw(`update control.integration set product = 'sync'`);
    expect((await mark('a')).marked).toBe(true);
  });
});
