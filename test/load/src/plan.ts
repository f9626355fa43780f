import { defaultSettings } from '@orgstream/core';
import { createDatabase, migrate, type Knex } from '@orgstream/database';
import { startOwnPostgres } from '@orgstream/testkit';
import { assess, loadPlanInputs, plan } from '../../../services/learningbank-sink/src/plan/index.ts';
import type { ObjectKey, Policy } from '../../../services/learningbank-sink/src/model.ts';
import { watchRss } from './measure.ts';

const PEOPLE = Number(process.env['PEOPLE'] ?? 20_000);
const UNITS = Math.max(2, Math.round(PEOPLE / 20));
const ROLES = 20;
const BATCH = 500;
const tenant = 'eu1.1';

/** The planner over an organisation in Postgres: nothing is applied yet, then everything is. No calls, no other service. */
export async function planning(): Promise<unknown> {
  await using postgres = await startOwnPostgres();
  const db = createDatabase(postgres.url);
  try {
    await migrate(db);
    const id = await organisation(db);
    const empty = await measure(db, id);
    await applied(db, id);
    return { people: PEOPLE, units: UNITS, nothingApplied: empty, everythingApplied: await measure(db, id) };
  } finally {
    await db.destroy();
  }
}

const policy: Policy = {
  tenant,
  settings: defaultSettings,
  catalogue: { topDepartmentId: 1, defaultDepartmentId: 1, jobProfiles: new Map([['Role 1', 7]]) },
  nowMs: Date.now(),
};

async function measure(db: Knex, id: string): Promise<Readonly<Record<string, number>>> {
  const rss = watchRss(process.pid);
  const seconds = { load: 0, plan: 0, assess: 0 };
  const timed = async <T>(what: keyof typeof seconds, work: () => T | Promise<T>): Promise<T> => {
    const startedMs = performance.now();
    const result = await work();
    seconds[what] += (performance.now() - startedMs) / 1_000;
    return result;
  };
  let outstanding = 0;
  for (let first = 1; first <= PEOPLE; first += BATCH) {
    const length = Math.min(BATCH, PEOPLE - first + 1);
    const objects = Array.from({ length }, (_, at): ObjectKey => ({ kind: 'person', id: `${first + at}` }));
    const inputs = [...(await timed('load', () => loadPlanInputs(db, { id, tenant }, objects))).values()];
    await timed('plan', () => inputs.map((input) => plan(input, policy)));
    const found = await timed('assess', () => inputs.map((input) => assess(input, policy)));
    outstanding += found.filter(({ operations, code }) => operations.length > 0 || code !== null).length;
  }
  const perSecond = (taken: number): number => Math.round(PEOPLE / taken);
  return {
    outstanding,
    personsPerSecond: perSecond(seconds.load + seconds.plan + seconds.assess),
    loadedPerSecond: perSecond(seconds.load),
    plannedPerSecond: perSecond(seconds.plan),
    assessedPerSecond: perSecond(seconds.assess),
    peakRssMiB: rss.stop(),
  };
}

/** A tree of units, ten below each; everybody in one unit with one role, every third in a second one. */
async function organisation(db: Knex): Promise<string> {
  const facts = `tenant, id, epoch, lsn, seq, log_offset, committed_at`;
  const of = (no: string): string => `'${tenant}', ${no}::text, 1, 1, 1, 1, now()`;
  await db.raw(`insert into control.tenant (key, source, site_id) values (?, 'eu1', 1)`, [tenant]);
  await db.raw(`insert into sink.platform (id, base_url) values ('p#1', 'http://localhost')`);
  const { rows } = await db.raw<{ rows: { id: string }[] }>(
    `with secret as (insert into control.secret (key_id, sealed) values ('k', '') returning id)
     insert into control.integration (tenant, name, product, platform_url, secret_id)
     select ?, 'n', 'sync', 'http://localhost', id from secret returning id`,
    [tenant],
  );
  await db.raw(
    `insert into sink.unit (${facts}, parent_id, name, unit_type)
     select ${of('n')}, case when n > 1 then greatest(1, n / 10)::text end, 'Unit ' || n, 'unit' from generate_series(1, ?) n`,
    [UNITS],
  );
  await db.raw(`insert into sink.role (${facts}, name) select ${of('n')}, 'Role ' || n from generate_series(1, ?) n`, [
    ROLES,
  ]);
  await db.raw(
    `insert into sink.person (${facts}, first_name, last_name, email, language, active)
     select ${of('n')}, 'First', 'Last ' || n, n || '@example.com', 'da', true from generate_series(1, ?) n`,
    [PEOPLE],
  );
  await db.raw(
    `insert into sink.membership (${facts}, person_id, unit_id, ordinal)
     select ${of('n')}, n::text, (2 + n % ?)::text, 0 from generate_series(1, ?) n
      union all select ${of(`'b' || n`)}, n::text, (2 + (n + 7) % ?)::text, 1 from generate_series(3, ?, 3) n`,
    [UNITS - 1, PEOPLE, UNITS - 1, PEOPLE],
  );
  await db.raw(
    `insert into sink.assignment (${facts}, membership_id, role_id, ordinal)
     select ${of('n')}, n::text, (1 + n % ${ROLES})::text, 0 from generate_series(1, ?) n`,
    [PEOPLE],
  );
  await db.raw('analyze');
  return rows[0]!.id;
}

/** Links as the sink leaves them behind: unit n is department n, role n permission type n. */
async function applied(db: Knex, id: string): Promise<void> {
  const link = `insert into sink.link (integration_id, platform, kind, id, target_id, made_by_us, is_top, applied)`;
  await db.raw(
    `${link} select ?, 'p#1', 'unit', u.id, u.id::bigint, u.id <> '1', u.id = '1',
                    jsonb_build_object('name', u.name, 'parentId', u.parent_id::bigint) from sink.unit u`,
    [id],
  );
  await db.raw(
    `${link} select ?, 'p#1', 'role', r.id, r.id::bigint, true, false, jsonb_build_object('name', r.name) from sink.role r`,
    [id],
  );
  await db.raw(
    `${link} select ?, 'p#1', 'person', p.id, p.id::bigint, true, false,
       jsonb_build_object('firstName', p.first_name, 'lastName', p.last_name, 'email', p.email, 'active', true,
         'departmentIds', (select jsonb_agg(m.unit_id::bigint order by m.ordinal) from sink.membership m
                            where m.tenant = p.tenant and m.person_id = p.id),
         'permissionTypeIds', jsonb_build_array(a.role_id::bigint), 'jobProfileId', case a.role_id when '1' then 7 end,
         'jobProfileRoles', jsonb_build_array(a.role_id), 'jobProfileRole', case a.role_id when '1' then '1' end)
       from sink.person p join sink.assignment a on a.tenant = p.tenant and a.membership_id = p.id`,
    [id],
  );
  await db.raw('analyze');
}
