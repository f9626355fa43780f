import type { RunKind } from '@orgstream/core';
import type { Knex } from '@orgstream/database';
import type { Integration } from '../reconcile/integration-store.ts';
import { notePlanner } from './apply.ts';
import type { Fenced } from './fence.ts';
import { insertRun } from './run-store.ts';
import { needsApproval } from './start.ts';

interface Due {
  readonly id: string;
  readonly gap: boolean;
  readonly replay: boolean;
  readonly planner: boolean;
}

/** A run that failed for a reason nobody knows is begun again after a while, not at every look. */
const failedLately = `coalesce(r.state = 'failed' and r.code = 'UNEXPECTED' and r.finished_at > now() - interval '1 min', false)`;

/**
 * Which runs begin without being asked for: `gap` and `replay` when work waits for one, newer than what the last one saw
 * (a cancelled one is not repeated for the same work; one that was refused, or that ended because the integration was
 * disabled, is); `planner` when this version of the planner has not been looked at yet. One open run of a kind at most.
 */
async function readDue(
  db: Knex,
  { integrations, plannerVersion }: { readonly integrations: readonly string[]; readonly plannerVersion: number },
): Promise<readonly Due[]> {
  const { rows } = await db.raw<{ rows: Due[] }>(
    `with last as materialized (
       select r.integration_id, r.kind, max(r.marked_to) filter (where r.code is null) as marked_to,
              bool_or(r.state in ('waiting_for_snapshot', 'planning', 'planned', 'applying') and not r.dry_run) as open,
              bool_or(r.planner_version = :plannerVersion and r.code is null) as planned,
              bool_or(${failedLately}) as failed_lately
         from sink.run r
        where r.integration_id = any(cast(:integrations as uuid[])) and r.kind in ('gap', 'replay', 'planner')
        group by 1, 2)
     select s.integration_id as id, ${waiting('gap')} as gap, ${waiting('replay')} as replay,
            coalesce(s.planner_version <> :plannerVersion, false)
              and not exists (select from last l where l.integration_id = s.integration_id and l.kind = 'planner' and (l.open or l.planned or l.failed_lately)) as planner
       from sink.integration_state s
      where s.integration_id = any(cast(:integrations as uuid[])) and s.state = 'live'`,
    { integrations: [...integrations], plannerVersion },
  );
  return rows;
}

function waiting(kind: 'gap' | 'replay'): string {
  return /* sql */ `exists (
    select from sink.work w
     where w.integration_id = s.integration_id and w.lane = 3 and w.for_run = '${kind}'
       and w.generation > coalesce((select l.marked_to from last l where l.integration_id = s.integration_id and l.kind = '${kind}'), 0))
    and not exists (select from last l where l.integration_id = s.integration_id and l.kind = '${kind}' and (l.open or l.failed_lately))`;
}

/** Integrations whose first plan failed a while ago, and which therefore wait in `planning` for nothing. */
async function readUnplanned(db: Knex, integrations: readonly string[]): Promise<ReadonlySet<string>> {
  const { rows } = await db.raw<{ rows: { id: string }[] }>(
    `select s.integration_id as id from sink.integration_state s
      where s.integration_id = any(cast(:integrations as uuid[])) and s.state = 'planning'
        and not exists (select from sink.run r where r.integration_id = s.integration_id
                         and (r.state in ('waiting_for_snapshot', 'planning', 'planned', 'applying') or ${failedLately}))
        and (select r.state = 'failed' and r.code = 'UNEXPECTED' from sink.run r
              where r.integration_id = s.integration_id and (r.is_first or r.kind = 'rebuild') order by r.created_at desc limit 1)`,
    { integrations: [...integrations] },
  );
  return new Set(rows.map(({ id }) => id));
}

/** Plans first syncs again whose plan failed for a reason nobody knows: no sync may stop silently. */
async function beginFirstAgain(
  { db, fenced }: { readonly db: Knex; readonly fenced: Fenced },
  integrations: readonly Integration[],
): Promise<void> {
  const planning = integrations.filter(({ state, enabled }) => state === 'planning' && enabled);
  if (planning.length === 0) return;
  const unplanned = await readUnplanned(db, planning.map(({ id }) => id)); // prettier-ignore
  for (const { id, tenant, settings, snapshotId } of planning.filter((one) => unplanned.has(one.id))) {
    const run = { integrationId: id, tenant, kind: 'sync', state: 'planning', isFirst: true, snapshotId } as const;
    await fenced((tx) => insertRun(tx, { ...run, needsApproval: settings.review }));
  }
}

/** Begins the runs that are due of these live, enabled integrations. Returns how many. */
export async function beginDueRuns(
  { db, fenced }: { readonly db: Knex; readonly fenced: Fenced },
  integrations: readonly Integration[],
  plannerVersion: number,
): Promise<number> {
  await beginFirstAgain({ db, fenced }, integrations);
  const live = integrations.filter(({ state, enabled }) => state === 'live' && enabled);
  if (live.length === 0) return 0;
  let begun = 0;
  for (const integration of live.filter((one) => one.plannerVersion === null)) {
    await fenced((tx) => notePlanner(tx, integration.id, plannerVersion));
  }
  for (const due of await readDue(db, { integrations: live.map(({ id }) => id), plannerVersion })) {
    const integration = live.find(({ id }) => id === due.id)!;
    for (const kind of ['gap', 'replay', 'planner'] as const) {
      if (due[kind]) begun += await begin(fenced, integration, kind);
    }
  }
  return begun;
}

async function begin(fenced: Fenced, { id, tenant, snapshotId }: Integration, kind: RunKind): Promise<number> {
  return fenced(async (tx) => {
    const { rows } = await tx.raw<{ rows: unknown[] }>(
      `select from control.integration where id = ? and enabled for share`,
      [id],
    );
    if (rows.length === 0) return 0;
    await insertRun(tx, {
      integrationId: id,
      tenant,
      kind,
      state: 'planning',
      needsApproval: needsApproval(kind),
      snapshotId,
    });
    return 1;
  });
}
