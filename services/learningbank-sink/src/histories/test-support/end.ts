import { until } from '@orgstream/testkit';
import { query } from '../../ingest/query.ts';
import { person, role, type Said, unit } from '../../reconcile/fixture.ts';
import { differences, foreignOf, userOf } from './compare.ts';
import { sharedEmails } from './source.ts';
import { expected } from './expected.ts';
import type { Decision, World } from './world.ts';

const open = ['waiting_for_snapshot', 'planning', 'planned', 'applying'];

/** Nothing goes on by itself, for a moment at least. */
export async function mayRest(world: World): Promise<void> {
  await until(async () => (await world.ctx.work()).every(({ state }) => state !== 'ready'), {
    deadlineMs: 1_500,
    what: 'rest',
  }).catch(() => {});
}

/** Everything transient is lifted, everything that waits for an operator is approved, until nothing is left to do. */
async function quiet(world: World): Promise<void> {
  let last: unknown;
  let calm = 0;
  await until(
    async () => {
      const asked = await approveAll(world);
      const work = await query<{ state: string; hold: string | null }>(
        world.ctx.db,
        `select kind, id, lane, for_run, state, code, hold_code as hold, attempts, next_at - now() as "in", waits_kind, waits_id, run_id from sink.work`,
        [],
      );
      const runs = (await world.operator.runs()).filter(({ state }) => open.includes(state));
      last = { work, runs };
      const left = work.filter(
        ({ state, hold }) => !(state === 'parked' || state === 'conflict' || (state === 'held' && hold)),
      );
      calm = asked || left.length > 0 || runs.length > 0 || (await world.ctx.openAttempts()) > 0 ? 0 : calm + 1;
      return calm > 1;
    },
    { deadlineMs: 30_000, intervalMs: 100, what: () => `everything to rest; last: ${JSON.stringify(last)}` },
  );
}

/** True when there was something to decide. */
async function approveAll(world: World): Promise<boolean> {
  let asked = false;
  for (const run of await world.operator.runs()) {
    if (run.state === 'planned' && run.needsApproval) {
      const wanted = run.kind === 'undo' ? 'cancel' : 'approve';
      const { code } = await world.operator.decide(run.id, wanted);
      if (code === null) world.meets(`${run.kind} ${wanted}`);
      asked = true;
    }
    if (run.state === 'applying' && run.paused) await world.operator.decide(run.id, 'resume');
  }
  const held = (await world.ctx.work()).filter(
    ({ state, code }) => state === 'held' && (code === 'BRAKE_TRIPPED' || code === 'MORE_DESTRUCTIVE'),
  );
  if (held.length === 0) return asked;
  await world.act('approve', { all: true });
  return true;
}

/** The end of a history: what must hold then is looked at, and said in words. */
export async function endOf(world: World): Promise<readonly string[]> {
  await world.platform.heal();
  await world.deliverLate();
  await world.says(...missing(world));
  await world.says(...untangled(world));
  await world.allOn();
  await until(() => Date.now() > world.expiresAt + 100, { deadlineMs: 2_000, what: 'everybody who expires' });
  await world.act('retry', { all: true });
  await quiet(world);
  await world.operator.start('sync');
  await quiet(world);
  const found: string[] = [...(await standing(world))];
  await world.act('release', { all: true });
  await quiet(world);
  if (world.drifted) {
    const { code } = await world.operator.start('drift');
    if (code !== null) found.push(`drift: ${code}`);
    await quiet(world);
  }
  found.push(...(await look(world, new Set())));
  const left = (await world.ctx.work()).filter(({ code }) => code !== 'DEPARTMENT_NOT_EMPTY');
  if (left.length > 0) found.push(`left: ${JSON.stringify(left)}`);
  const writes = (await world.platform.writes()).length;
  await world.ctx.take(world.source.log);
  await world.operator.start('sync');
  await quiet(world);
  await count(world);
  const more = (await world.platform.writes()).slice(writes);
  if (more.length > 0) found.push(`a replay made calls: ${JSON.stringify(more)}`);
  return found;
}

/** What the history reached, for the curious. */
async function count(world: World): Promise<void> {
  if (!process.env['HISTORY_STATISTICS']) return;
  const rows = await query<{ kind: string; state: string; n: number }>(
    world.ctx.db,
    `select kind, state, count(*)::int as n from sink.run group by 1, 2 union all
     select 'attempt', state, count(*)::int from sink.attempt group by 2`,
    [],
  );
  for (const { kind, state, n } of rows) world.met.set(`${kind} ${state}`, n);
  console.log(`met ${JSON.stringify(Object.fromEntries(world.met))}`);
}

/** While decisions stand: who is held stays as he was, and nobody is held about whom nobody decided. */
async function standing(world: World): Promise<readonly string[]> {
  const rows = await query<{ kind: string; id: string }>(
    world.ctx.db,
    `select kind, id from sink.work where hold_code is not null and state = 'held'`,
    [],
  );
  const held = new Set(rows.map(({ id }) => id));
  const found = rows
    .filter(({ kind, id }) => kind !== 'person' || !world.decided.has(id))
    .map(({ kind, id }) => `${kind} ${id}: held, and nobody asked for it`);
  if (!world.drifted) found.push(...(await look(world, held)));
  const state = await world.state();
  for (const [id, decision] of world.decided) {
    if (isVoid(world, id, decision)) continue;
    const { user } = decision;
    const shown = (one: unknown) => JSON.stringify(one, ['isActive', 'firstName', 'lastName', 'email']);
    if (!held.has(id)) found.push(`person ${id}: rejected, no longer held`);
    else if (shown(userOf(state, id)) !== shown(user)) {
      found.push(`person ${id}: rejected as ${shown(user)}, is ${shown(userOf(state, id))}`);
    }
  }
  return found;
}

/** Something that may bear on the person was said since, or settings were edited. */
function isVoid({ source, versions }: World, id: string, { lsn, left }: Decision): boolean {
  if (lsn < 0 || versions.some(({ excluded }) => excluded.length > 0)) return true;
  if (left) return source.log.some(({ value }) => returns(value, id, lsn));
  if (versions.length > 1) return true;
  return [...source.saidAt].some(([key, at]) => {
    const [kind, which] = key.split('/') as [string, string];
    return at > lsn && (kind === 'unit' || kind === 'role' || which.startsWith(id));
  });
}

function returns(value: unknown, id: string, lsn: number): boolean {
  const said = value as { id?: string; active?: unknown; position?: { lsn: number } };
  return said.id === id && said.active === true && (said.position?.lsn ?? 0) > lsn;
}

async function look(world: World, held: ReadonlySet<string>): Promise<readonly string[]> {
  const state = await world.state();
  const want = expected(world.source, await world.standing(), Date.now());
  const defaultDepartmentId = (state as unknown as { defaults: { departmentId: number } }).defaults.departmentId;
  const found = [...differences(want, state, { held, defaultDepartmentId })];
  if (JSON.stringify(foreignOf(state)) !== JSON.stringify(world.foreign)) {
    found.push(`not ours, and changed: ${JSON.stringify(foreignOf(state))}`);
  }
  return found;
}

/** Units and roles that others have spoken of and that have not been heard of yet: who waits for them goes on. */
function missing({ source }: World): readonly Said[] {
  const said = new Map<string, Said>();
  const speak = (kind: 'unit' | 'role', id: unknown): void => {
    if (typeof id !== 'string' || source.saidAt.has(`${kind}/${id}`)) return;
    said.set(id, kind === 'unit' ? unit(id, '1', `Unit ${id}`) : role(id, `Role ${id}`));
  };
  for (const { fields } of source.all('membership')) speak('unit', fields['unitId']);
  for (const { fields } of source.all('assignment')) speak('role', fields['roleId']);
  return [...said.values()];
}

/** What the rules leave to an operator is settled at the source: equal names, shared and lacking e-mails, lost units. */
function untangled({ source }: World): readonly Said[] {
  const said: Said[] = [];
  const taken = new Set<unknown>();
  for (const { id, fields } of source.all('unit')) {
    if (fields['parentId'] === null) continue;
    const above = fields['parentId'] as string;
    const parentId = source.get('unit', above) && !inCircle(id, source) ? above : '1';
    const key = `${parentId}/${String(fields['name'])}`;
    const name = taken.has(key) ? `Unit ${id}` : String(fields['name']);
    taken.add(key);
    if (parentId !== fields['parentId'] || name !== fields['name']) said.push(unit(id, parentId, name));
  }
  for (const { id, fields } of source.all('role')) {
    if (taken.has(`role ${String(fields['name'])}`)) said.push(role(id, `Role ${id}`));
    taken.add(`role ${String(fields['name'])}`);
  }
  for (const { id, fields } of source.all('person')) {
    const email = fields['email'] as string | null;
    if (email !== null && !sharedEmails.includes(email)) continue;
    said.push(person(id, { ...fields, email: `settled${id}@example.org` }));
  }
  return said;
}

function inCircle(id: string, source: World['source']): boolean {
  const parent = source.get('unit', id)?.['parentId'];
  return typeof parent === 'string' && source.isBelow(parent, id);
}
