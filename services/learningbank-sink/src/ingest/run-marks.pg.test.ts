import { expect, test } from 'vitest';
import { fact, IngestContext, rejected, TENANT } from './fixture.ts';
import { ingestAgain } from './ingest.ts';
import { query } from './query.ts';
import { markWork } from './work-store.ts';

const lanes = { leaver: 0, live: 1, bulk: 2, gap: 3 };

/** Person a, active, at position 10; nothing outstanding. */
async function scene(): Promise<IngestContext> {
  const ctx = await IngestContext.open();
  await ctx.take(fact('person', { lsn: 10, id: 'a' }), fact('role', { lsn: 11, id: 'r' }));
  await ctx.settle();
  return ctx;
}

/** `a live` or `a gap for replay`. */
async function marked(ctx: IngestContext): Promise<readonly string[]> {
  const nameOf = (lane: number): string => Object.keys(lanes)[lane]!;
  return (await ctx.work()).map(
    ({ id, lane, for_run }) => `${id} ${nameOf(lane)}${for_run === null ? '' : ` for ${for_run}`}`,
  );
}

async function enable(ctx: IngestContext, enabled: boolean): Promise<void> {
  await query(ctx.db, `update control.integration set enabled = ?`, [enabled]);
}

async function setWork(ctx: IngestContext, set: string): Promise<void> {
  await query(ctx.db, `update sink.work set ${set}`, []);
}

const renamed = (lsn: number, firstName: string, rest: object = {}) =>
  fact('person', { lsn, id: 'a', firstName, ...rest });
const snapshot = { snapshotId: 's', chunk: 1 };

test('while disabled everything waits for a gap run, leavers and what was outstanding before too', async () => {
  await using ctx = await scene();
  await ctx.take(renamed(20, 'b'));
  expect(await marked(ctx)).toEqual(['a live']);
  await enable(ctx, false);
  await ctx.take(renamed(21, 'c', { active: false }), fact('role', { lsn: 22, id: 'r', name: 'n' }));
  expect(await marked(ctx)).toEqual(['a gap for gap', 'r gap for gap']);
});

test('enabled again: a live change lifts its own object only, a leaver too', async () => {
  await using ctx = await scene();
  await enable(ctx, false);
  await ctx.take(renamed(20, 'b'), fact('role', { lsn: 21, id: 'r', name: 'n' }));
  await enable(ctx, true);
  await ctx.take(renamed(22, 'c'));
  expect(await marked(ctx)).toEqual(['a live', 'r gap for gap']);
  await enable(ctx, false);
  await ctx.take(renamed(23, 'd'));
  await enable(ctx, true);
  await ctx.take(renamed(24, 'd', { active: false }));
  expect(await marked(ctx)).toEqual(['a leaver', 'r gap for gap']);
});

test('what a snapshot finds out about an object of the gap waits with it; of another object it is bulk', async () => {
  await using ctx = await scene();
  await enable(ctx, false);
  await ctx.take(renamed(20, 'b'));
  await enable(ctx, true);
  await ctx.take(
    renamed(30, 'c', { ...snapshot, active: false }),
    fact('role', { lsn: 30, id: 'r', name: 'n', ...snapshot }),
  );
  expect(await marked(ctx)).toEqual(['a gap for gap', 'r bulk']);
});

test('a mark keeps the run, what operators held and approved, and what is to be undone', async () => {
  await using ctx = await scene();
  await ctx.take(renamed(20, 'b'));
  const kept = `run_id = '00000000-0000-4000-8000-000000000000', hold_code = 'UNDONE', hold_hash = 'h', approved_hash = 'g',
    approved_operations = '{rename}', undo = '{"applied": null}', operations = '{rename}', hash = 'h'`;
  await setWork(ctx, `state = 'held', code = 'UNDONE', ${kept}`);
  const columns = 'run_id, hold_code, hold_hash, approved_hash, approved_operations, undo, operations, hash';
  const read = () => query<object>(ctx.db, `select ${columns} from sink.work`, []);
  const before = await read();
  await ctx.take(renamed(21, 'c'));
  expect(await ctx.work()).toMatchObject([{ state: 'ready', code: null }]);
  await enable(ctx, false);
  await ctx.take(renamed(22, 'd'));
  expect(await read()).toEqual(before);
});

test('a correction (same position, later in the log, other content) waits for a replay run', async () => {
  await using ctx = await scene();
  await ctx.take(renamed(10, 'corrected'));
  expect(await ctx.row('person', 'a')).toMatchObject({ first_name: 'corrected' });
  expect(await marked(ctx)).toEqual(['a gap for replay']);
});

test('a correction without another content marks nothing', async () => {
  await using ctx = await scene();
  await ctx.take(fact('person', { lsn: 10, id: 'a' }));
  expect(await marked(ctx)).toEqual([]);
});

test('a correction by which somebody turns out to have left is a leaver', async () => {
  await using ctx = await scene();
  await ctx.take(renamed(10, 'Ada', { active: false }));
  expect(await marked(ctx)).toEqual(['a leaver']);
});

test('a correction that heals a rejection waits for a replay run', async () => {
  await using ctx = await scene();
  await ctx.take(rejected('person', { lsn: 20, id: 'a' }));
  expect(await ctx.work()).toMatchObject([{ state: 'parked', lane: lanes.live, for_run: null }]);
  await ctx.settle();
  await ctx.take(renamed(20, 'healed'));
  expect(await ctx.work()).toMatchObject([{ state: 'ready', lane: lanes.gap, for_run: 'replay' }]);
});

test('a correction of what is on its way holds nothing back, and a live change takes a correction along', async () => {
  await using ctx = await scene();
  await ctx.take(renamed(20, 'b'));
  await ctx.take(renamed(20, 'corrected'));
  expect(await marked(ctx)).toEqual(['a live']);
  await ctx.settle();
  await ctx.take(renamed(20, 'corrected again'));
  expect(await marked(ctx)).toEqual(['a gap for replay']);
  await ctx.take(renamed(21, 'live'));
  expect(await marked(ctx)).toEqual(['a live']);
});

test('a correction and a live change of one object in one batch are one live mark', async () => {
  await using ctx = await scene();
  await ctx.take(fact('membership', { lsn: 12, id: 'm', personId: 'a', unitId: 'u' }));
  await ctx.settle();
  await ctx.take(renamed(10, 'corrected'), fact('membership', { lsn: 20, id: 'm', personId: 'a', unitId: 'v' }));
  expect(await marked(ctx)).toEqual(['a live']);
});

test('what waits for the gap run stays with it, whatever a correction says; what waits for a replay joins the gap when disabled', async () => {
  await using ctx = await scene();
  await enable(ctx, false);
  await ctx.take(renamed(20, 'b'));
  await enable(ctx, true);
  await ctx.take(renamed(20, 'corrected'), fact('role', { lsn: 11, id: 'r', name: 'corrected' }));
  expect(await marked(ctx)).toEqual(['a gap for gap', 'r gap for replay']);
  await enable(ctx, false);
  await ctx.take(fact('role', { lsn: 11, id: 'r', name: 'corrected again' }));
  expect(await marked(ctx)).toEqual(['a gap for gap', 'r gap for gap']);
});

test('a correction of what a paused run holds stays with that run', async () => {
  await using ctx = await scene();
  await ctx.take(renamed(20, 'b'));
  await setWork(ctx, `lane = 3, for_run = null, run_id = '00000000-0000-4000-8000-000000000000'`);
  await ctx.take(renamed(20, 'corrected'));
  expect(await marked(ctx)).toEqual(['a gap']);
  await ctx.take(renamed(21, 'live'));
  expect(await marked(ctx)).toEqual(['a live']);
});

test('what a replay changes waits for a replay run, but leavers', async () => {
  await using ctx = await scene();
  await ctx.take(fact('person', { lsn: 12, id: 'b' }));
  await ctx.settle();
  const result = await ctx.takeAgain(renamed(20, 'b'), fact('person', { lsn: 21, id: 'b', active: false }));
  expect(result).toEqual({ changed: 2, marked: 2 });
  expect(await marked(ctx)).toEqual(['a gap for replay', 'b leaver']);
});

test('a replay pulls nothing out of the gap, leavers neither', async () => {
  await using ctx = await scene();
  await enable(ctx, false);
  await ctx.take(renamed(20, 'b'));
  await enable(ctx, true);
  await ctx.takeAgain(renamed(21, 'b', { active: false }));
  expect(await marked(ctx)).toEqual(['a gap for gap']);
});

test('an end date that passes lifts its person out of the gap', async () => {
  await using ctx = await scene();
  await enable(ctx, false);
  await ctx.take(renamed(20, 'b'));
  await enable(ctx, true);
  const cause = { epoch: 1, lsn: 20, committedAtMs: 0 };
  await markWork(ctx.db, [{ tenant: TENANT, kind: 'person', id: 'a', lane: 'leaver', cause, ripe: true }]);
  expect(await marked(ctx)).toEqual(['a leaver']);
});

test('a replay leaves to live ingest what that has not read yet: news waits for no run', async () => {
  await using ctx = await scene();
  const [ahead] = ctx.items([renamed(20, 'b')]);
  const place = { topic: 'directory.changes', partition: 0 };
  expect(await ingestAgain(ctx.db, { ...place, items: [ahead!] })).toEqual({ changed: 0, marked: 0 });
  expect(await ctx.row('person', 'a')).toMatchObject({ first_name: 'Ada' });
});

test('who turns out to have left waits for no run but that of the gap: not for one that pauses, nor for a replay', async () => {
  await using ctx = await scene();
  const left = (lsn: number) => renamed(lsn, 'Ada', { active: false, ...snapshot });
  await ctx.take(renamed(20, 'b'));
  await setWork(ctx, `lane = 3, for_run = null, run_id = '00000000-0000-4000-8000-000000000000'`);
  await ctx.take(left(30));
  expect(await marked(ctx)).toEqual(['a leaver']);
  await ctx.settle();
  await ctx.take(renamed(31, 'back'));
  await ctx.settle();
  await ctx.take(renamed(31, 'corrected'));
  expect(await marked(ctx)).toEqual(['a gap for replay']);
  await ctx.take(left(40));
  expect(await marked(ctx)).toEqual(['a leaver']);
});
