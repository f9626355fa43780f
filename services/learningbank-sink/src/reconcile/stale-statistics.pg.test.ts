import type { Knex } from '@orgstream/database';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { countLeavers, readOutstanding } from '../brake/brake-store.ts';
import { storeFacts } from '../ingest/fact-store.ts';
import { lookUp, markWork } from '../ingest/work-store.ts';
import { sweep as sweepFacts } from '../ingest/sweep.ts';
import type { ObjectKey } from '../model.ts';
import * as act from '../operate/act-store.ts';
import { believeObserved, readLinksTo } from '../operate/drift-store.ts';
import { putUndo, readPast } from '../operate/undo-store.ts';
import { loadPlanInputs } from '../plan/index.ts';
import { insertItems } from '../runs/item-store.ts';
import { markItems } from '../runs/mark-store.ts';
import { insertRun, lockRun, type RunItem, type RunRow } from '../runs/run-store.ts';
import { objectsOf } from '../runs/scope-store.ts';
import { markDependants } from './dependants.ts';
import { endWork, type Verdict } from './end-work.ts';
import { effortOf } from './fixture-effort.ts';
import { SinkContext } from './fixture.ts';
import { readGauges } from './gauges.ts';
import { openAttempts } from './attempt-store.ts';
import { type Claimed, undecided } from './keys.ts';
import { markOwners, record } from './link-store.ts';
import { readRipe, sweep } from './work-store.ts';

const people = 3_000;
const units = 300;
const roles = 10;
const batch = 10;

/** An organisation with links and work, as rows. `first`: of its ids at the target. */
async function fill(
  db: Knex,
  of: { integration: string; tenant: string; platform: string; first: number },
): Promise<void> {
  const version = `1, 1, 1, 1, now()`;
  const columns = `epoch, lsn, seq, log_offset, committed_at`;
  const all = { ...of, people, units, roles };
  await db.raw(`insert into sink.platform (id, base_url) values (:platform, 'http://p') on conflict do nothing`, all);
  await db.raw(`insert into sink.integration_state (integration_id, tenant, state, platform) values (:integration, :tenant, 'live', :platform)`, all); // prettier-ignore
  await db.raw(`insert into sink.unit (tenant, id, ${columns}, name, parent_id) select :tenant, 'u' || n, ${version}, 'U' || n, case when n > 0 then 'u' || (n - 1) / 2 end from generate_series(0, :units - 1) n`, all); // prettier-ignore
  await db.raw(`insert into sink.role (tenant, id, ${columns}, name) select :tenant, 'r' || n, ${version}, 'R' || n from generate_series(0, :roles - 1) n`, all); // prettier-ignore
  await db.raw(`insert into sink.person (tenant, id, ${columns}, first_name, last_name, email, active) select :tenant, 'p' || n, ${version}, 'A', 'B', 'p' || n || '@example.org', true from generate_series(0, :people - 1) n`, all); // prettier-ignore
  await db.raw(`insert into sink.membership (tenant, id, ${columns}, person_id, unit_id, ordinal) select :tenant, 'm' || n, ${version}, 'p' || n, 'u' || n % :units, 0 from generate_series(0, :people - 1) n`, all); // prettier-ignore
  await db.raw(`insert into sink.assignment (tenant, id, ${columns}, membership_id, role_id, ordinal) select :tenant, 'a' || n, ${version}, 'm' || n, 'r' || n % :roles, 0 from generate_series(0, :people - 1) n`, all); // prettier-ignore
  await db.raw(
    `insert into sink.link (integration_id, kind, id, platform, target_id, made_by_us, is_top, applied)
     select cast(:integration as uuid), 'unit', 'u' || n, :platform, :first + n, true, n = 0, jsonb_build_object('name', 'U' || n, 'parentId', 1) from generate_series(0, :units - 1) n
     union all select cast(:integration as uuid), 'role', 'r' || n, :platform, :first + 50000 + n, true, false, jsonb_build_object('name', 'R' || n) from generate_series(0, :roles - 1) n
     union all select cast(:integration as uuid), 'person', 'p' || n, :platform, :first + 100000 + n, true, false,
            jsonb_build_object('firstName', 'Old', 'lastName', 'B', 'email', 'o' || n || '@example.org', 'active', true, 'departmentIds', jsonb_build_array(:first + n % :units),
              'permissionTypeIds', jsonb_build_array(:first + 50000 + n % :roles), 'jobProfileId', null, 'jobProfileRoles', '[]'::jsonb)
       from generate_series(0, :people - 1) n`,
    all,
  );
}

const allWork = `insert into sink.work (integration_id, kind, id, lane, cause_epoch, cause_lsn, committed_at)
  select integration_id, kind, id, 2, 1, 1, now() from sink.link where integration_id = ?`;

/** What Postgres knew when it last looked: nothing, or that all there is belongs to another tenant. */
describe.each(['empty', 'another tenant'] as const)('statistics of tables: %s', (known) => {
  let ctx: SinkContext;
  let db: Knex;
  let integration: string;
  const tenant = 'eu1.42';
  const platform = 'p#1';
  const ids = (from: number, count: number) => Array.from({ length: count }, (_, n) => `p${from + n}`);
  const persons = (from: number, count: number): readonly ObjectKey[] =>
    ids(from, count).map((id) => ({ kind: 'person', id }));
  const everybody = persons(0, people);

  beforeAll(async () => {
    ctx = await SinkContext.open();
    ({ db } = ctx);
    const tables = await db.raw<{ rows: { t: string }[] }>(
      `select schemaname || '.' || relname as t from pg_stat_user_tables where schemaname in ('sink', 'control')`,
    );
    for (const { t } of tables.rows) await db.raw(`alter table ${t} set (autovacuum_enabled = false)`);
    const sim = await ctx.platform();
    if (known === 'another tenant') {
      const other = await ctx.integrate(sim, { tenant: 'eu1.1' });
      await fill(db, { integration: other, tenant: 'eu1.1', platform, first: 1_000_000 });
      await db.raw(allWork, [other]);
      await db.raw(`update sink.work set state = 'held' where integration_id = ?`, [other]);
    }
    await db.raw('analyze');
    integration = await ctx.integrate(sim);
    await fill(db, { integration, tenant, platform, first: 1 });
    await db.raw(allWork, [integration]);
  }, 60_000);
  afterAll(() => ctx[Symbol.asyncDispose]());

  const causeOf = (id: string): Claimed => ({ integrationId: integration, kind: 'person', id, lane: 1, generation: 1, attempts: 0, causeEpoch: 1, causeLsn: 1, committedAtMs: 0, open: false, standing: undecided }); // prettier-ignore
  const context = () => ({ id: integration, tenant });

  /** Undone afterwards: each law finds the same. */
  async function effort(work: (tx: Knex) => Promise<unknown>, before = ''): Promise<number> {
    let rows = 0;
    const undone = new Error('undone');
    await db
      .transaction(async (tx) => {
        if (before) await tx.raw(before);
        rows = await effortOf(tx, work);
        throw undone;
      })
      .catch((error: unknown) => {
        if (error !== undone) throw error;
      });
    expect(rows).toBeGreaterThan(0);
    return rows;
  }

  async function run(tx: Knex, kind: 'sync' | 'undo' = 'sync'): Promise<RunRow> {
    const id = await insertRun(tx, { integrationId: integration, tenant, kind, state: 'planning' });
    return (await lockRun(tx, { id, integrationId: integration }))!;
  }

  /** Rows that a batch of ten may cost: fewer than one look at everybody. */
  const few = people / 2;
  /** The same, where all units are read besides. */
  const some = few + 15 * units;
  /** Of statements about everybody at once. */
  const each = 30 * (people + units);

  test.each<[what: string, atMost: number, work: (tx: Knex) => Promise<unknown>, before?: string]>([
    ['plan input of people', some, (tx) => loadPlanInputs(tx, context(), persons(100, batch))],
    ['plan input of a unit', 120 * units, (tx) => loadPlanInputs(tx, context(), [{ kind: 'unit', id: 'u7' }])],
    ['plan input of a unit that goes', 120 * units, (tx) => loadPlanInputs(tx, context(), [{ kind: 'unit', id: 'u7' }]), `update sink.unit set deleted = true where tenant = 'eu1.42'`], // prettier-ignore
    ['plan input of a role that goes', each, (tx) => loadPlanInputs(tx, context(), [{ kind: 'role', id: 'r7' }]), `update sink.role set deleted = true where tenant = 'eu1.42'`], // prettier-ignore
    ['people of a role', each, (tx) => lookUp(tx, Array.from({ length: roles }, (_, n) => ({ via: 'role', tenant, id: `r${n}` })))], // prettier-ignore
    ['people of units', each, (tx) => lookUp(tx, Array.from({ length: units }, (_, n) => ({ via: 'unit', tenant, id: `u${n}` })))], // prettier-ignore
    ['people of memberships', each, (tx) => lookUp(tx, ids(0, 1_000).map((id) => ({ via: 'membership', tenant, id: `m${id.slice(1)}` })))], // prettier-ignore
    ['marks', each, (tx) => markWork(tx, ids(0, 1_000).map((id) => ({ tenant, kind: 'person', id, lane: 'live', ripe: true, cause: { epoch: 2, lsn: 2, committedAtMs: 0 } })))], // prettier-ignore
    ['what a snapshot did not see', each * 2, (tx) => sweepFacts(tx, { tenant, snapshotId: 's', epoch: 9, lsn: 9, seq: 0, offset: 9 }, 0, [])], // prettier-ignore
    ['a claim', few, (tx) => readRipe(tx, { integrations: [integration], lanes: [0, 1, 2], perKind: batch, sinceToken: 0 }), `update sink.work set next_at = now() - interval '1 s'`], // prettier-ignore
    ['parked work that is due', each, (tx) => sweep(tx, [integration], 1_000), `update sink.work set state = 'parked', next_at = now() where lane = 2 and state = 'ready'`], // prettier-ignore
    [
      'what is outstanding for the brake',
      each,
      (tx) => readOutstanding(tx, { integrationId: integration, kind: 'person' }),
    ],
    ['leavers for the brake', each, (tx) => countLeavers(tx, { integrationId: integration, atMost: 500 }), `update sink.person set active = false where tenant = 'eu1.42'`], // prettier-ignore
    [
      'gauges',
      3 * each,
      (tx) => readGauges(tx, () => Promise.resolve(1)),
      `update sink.work set lane = 3, for_run = 'gap'`,
    ],
    ['dependants of a role', each, (tx) => markDependants(tx, { key: { integrationId: integration, kind: 'role', id: 'r1' }, tenant, cause: { causeEpoch: 1, causeLsn: 1, committedAtMs: 0 } })], // prettier-ignore
    ['objects of a full plan', each, async (tx) => { for await (const _ of objectsOf(tx, context(), { scope: { all: true }, forRun: null, size: 500 })); }], // prettier-ignore
    ['what operators look at', each, (tx) => act.readStanding(tx, context(), everybody)],
    [
      'approvals of objects',
      each,
      (tx) => act.approve(tx, integration, everybody),
      `update sink.work set state = 'held'`,
    ],
    [
      'rejections of objects',
      each,
      (tx) => act.reject(tx, integration, everybody),
      `update sink.work set state = 'held'`,
    ],
    ['releases of objects', each, (tx) => act.release(tx, integration, everybody)],
    ['links to a page of the target', few, (tx) => readLinksTo(tx, { integrationId: integration, platform }, { kind: 'person', targetIds: ids(0, batch).map((_, n) => 100_001 + n), lookedAt: new Date() })], // prettier-ignore
    ['owners of a page of the target', few, (tx) => markOwners(tx, { integrationId: integration, platform }, { among: ids(0, batch).map((_, n) => 100_001 + n), owners: [100_001] })], // prettier-ignore
    ['what was observed', each, (tx) => believeObserved(tx, integration, everybody.map((key) => ({ ...key, detail: { applied: {}, observed: {} } })))], // prettier-ignore
    ['facts of a batch', 50 * 1_000, (tx) => storeFacts(tx, 'person', ids(0, 1_000).map((id, n) => ({ kind: 'person', tenant, id, at: { epoch: 3, lsn: 3, seq: n }, last: true, offset: n, committedAtMs: 0, snapshotId: null, chunk: null, deleted: false, content: ['New', 'B', null, null, true, false, null, null, false] })))], // prettier-ignore
    ['attempts', few, (tx) => openAttempts(tx, { platform, token: 0, starts: ids(0, batch).map((id) => ({ key: { integrationId: integration, kind: 'person', id }, op: 'user.update', targetId: 1, after: null, cause: causeOf(id), generation: 1, operations: [], approved: false })) })], // prettier-ignore
    ['records', few, (tx) => record(tx, { platform, token: 0, records: ids(0, batch).map((id, n) => ({ key: { integrationId: integration, kind: 'person', id }, cause: causeOf(id), link: { change: 'put', targetId: 100_001 + n, madeByUs: true, isTop: false, applied: {} } })) })], // prettier-ignore
    ['the past of objects', few, (tx) => readPast(tx, integration, persons(0, batch))],
  ])('%s', async (_, atMost, work, before) => {
    expect(await effort(work, before)).toBeLessThan(atMost);
  });

  test.each<[what: string, verdict: (n: number) => Verdict, state: string]>([
    ['settled', () => ({ to: 'settle', freed: false }), 'ready'],
    ['settled, others waiting', () => ({ to: 'settle', freed: false }), 'waiting'],
    ['settled and freed a name, others parked for it', (n) => ({ to: 'settle', freed: n === 0 }), 'parked'],
    ['waiting', () => ({ to: 'wait', on: { kind: 'unit', id: 'u1' }, code: null }), 'ready'],
    ['held', () => ({ to: 'held', code: 'BRAKE_TRIPPED', operations: ['rename'], hash: 'h' }), 'held'],
  ])('claims end: %s', async (_, verdict, state) => {
    const { rows } = await db.raw<{ rows: { id: string; generation: string }[] }>(
      `select id, generation from sink.work where integration_id = ? and kind = 'person' order by id limit ${batch}`,
      [integration],
    );
    const ends = rows.map(({ id, generation }, n) => ({
      key: { integrationId: integration, kind: 'person' as const, id },
      generation: Number(generation),
      verdict: verdict(n),
    }));
    const before = `update sink.work set state = '${state}', code = 'EMAIL_TAKEN', waits_kind = 'person', waits_id = 'somebody'`;
    const work = (tx: Knex) => endWork(tx, { platform, token: 0, ends });
    // Whoever may have waited for a name is looked at again, all of them.
    expect(await effort(work, before)).toBeLessThan(few + (state === 'parked' ? 12 * people : 0));
  });

  test('a run is put to work, and back', async () => {
    const plain = { operations: ['rename'], before: null, after: null, code: null, hash: 'h' } as const;
    const keys: readonly ObjectKey[] = [...everybody, ...Array.from({ length: units }, (_, n): ObjectKey => ({ kind: 'unit', id: `u${n}` }))]; // prettier-ignore
    let row: RunRow | undefined;
    const start = async (tx: Knex) => {
      row = await run(tx, 'undo');
      await insertItems(tx, row.id, keys.map((key) => ({ ...key, ...plain }))); // prettier-ignore
    };
    const put = (tx: Knex) => markItems(tx, { run: row!, tenant, from: ['planned'], choice: {}, approved: true });
    expect(await effort(async (tx) => { await start(tx); await put(tx); })).toBeLessThan(2 * each); // prettier-ignore
    const asked = keys.slice(0, 500).map((key): RunItem => ({ ...key, no: 1, operations: [], hash: 'h', state: 'approved', code: null, detail: { now: null, undo: {}, rank: 1 } })); // prettier-ignore
    expect(await effort(async (tx) => { await start(tx); await put(tx); await putUndo(tx, row!, asked); })).toBeLessThan(2 * each + 40 * asked.length); // prettier-ignore
  });
});
