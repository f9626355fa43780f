import { AppError } from '@orgstream/core';
import type { Knex, RunDecision } from '@orgstream/database';
import { beginApplying, putToWork, type Application, wake } from './apply.ts';
import { isUnderWay } from './follow-store.ts';
import { endRun } from './finish.ts';
import { choiceBindings, choiceSql, type ItemChoice, readItems } from './item-store.ts';
import { holdRejected, pauseWork, resumeWork } from './mark-store.ts';
import { moveRun, type RunRow } from './run-store.ts';

const stateError = (run: RunRow, what: string): AppError =>
  new AppError('RUN_STATE', `${what}: the run is ${run.paused ? 'paused' : run.state}`);

/** Another run of the integration that is being applied and goes on by itself. */
export async function findApplying(tx: Knex, run: Pick<RunRow, 'id' | 'integrationId'>): Promise<string | undefined> {
  const { rows } = await tx.raw<{ rows: { id: string }[] }>(
    `select id from sink.run where integration_id = :integrationId and id <> :id and state = 'applying' order by started_at`,
    { integrationId: run.integrationId, id: run.id },
  );
  for (const { id } of rows) if (await isUnderWay(tx, id)) return id;
  return undefined;
}

/** Carries out what an operator decided about a run, which must be locked. Throws RUN_STATE, NOT_FOUND, ITEM_CHANGED, … */
export async function decide(tx: Knex, application: Application, decision: RunDecision): Promise<void> {
  const { run } = application;
  switch (decision.decision) {
    case 'approve':
      return approve(tx, application, decision);
    case 'reject':
      return reject(tx, run, decision);
    case 'pause':
      if (run.state !== 'applying' || run.paused) throw stateError(run, 'pausing');
      await pauseWork(tx, run);
      return void (await moveRun(tx, run, { state: 'applying', paused: true }));
    case 'resume':
      if (run.state !== 'applying' || !run.paused) throw stateError(run, 'resuming');
      await resumeWork(tx, run);
      await wake(tx, run.integrationId);
      return void (await moveRun(tx, run, { state: 'applying', paused: false }));
    case 'cancel':
      if (!isOpen(run)) throw stateError(run, 'cancelling');
      return void (await endRun(tx, run, { state: 'cancelled', by: decision.by }));
  }
}

const isOpen = ({ state }: RunRow): boolean => !['done', 'cancelled', 'failed'].includes(state);

async function approve(tx: Knex, application: Application, decision: RunDecision): Promise<void> {
  const { run } = application;
  const choice = await checkedChoice(tx, run, decision);
  if (run.dryRun) throw new AppError('RUN_STATE', 'approving: it is a dry run, which is never applied');
  if (run.state === 'planned' && run.needsApproval) return approvePlan(tx, application, { choice, by: decision.by });
  if (run.state !== 'applying' || run.paused) throw stateError(run, 'approving');
  const marked = await putToWork(tx, application, { from: ['planned', 'held'], choice, approved: true });
  if (marked === 0) throw new AppError('RUN_STATE', 'approving: no item of the run waits for it');
  await moveRun(tx, run, { state: 'applying', decidedBy: decision.by });
}

async function approvePlan(
  tx: Knex,
  application: Application,
  approval: { readonly choice: ItemChoice; readonly by: string },
): Promise<void> {
  const { run } = application;
  const other = await findApplying(tx, run);
  if (other === undefined) return beginApplying(tx, application, approval);
  if (approval.choice.keys || approval.choice.operation) {
    throw new AppError('RUN_IN_PROGRESS', 'approving items: another run of the integration is being applied', {
      run: other,
    });
  }
  await moveRun(tx, run, { state: 'planned', needsApproval: false, decidedBy: approval.by });
}

/** A rejected object is held as long as the same is desired. Of runs that would only go back, nothing is to be held. */
async function reject(tx: Knex, run: RunRow, decision: RunDecision): Promise<void> {
  const choice = await checkedChoice(tx, run, decision);
  const whole = !choice.keys && !choice.operation;
  if (!(run.state === 'planned' && run.needsApproval) && run.state !== 'applying') throw stateError(run, 'rejecting');
  // Nothing of it came into force: the old settings go on to be desired, and the first plan is made again when asked for.
  const nothingToHold = run.kind === 'undo' || run.kind === 'drift' || run.kind === 'settings' || run.isFirst;
  if (run.state === 'planned' && whole && nothingToHold) {
    return void (await endRun(tx, run, { state: 'cancelled', by: decision.by }));
  }
  const numbers = await rejectItems(tx, run, choice);
  if (numbers.length === 0) throw new AppError('RUN_STATE', 'rejecting: no item of the run waits for a decision');
  if (run.kind === 'undo' || run.kind === 'drift') await dropRejected(tx, run, numbers);
  else if (run.kind !== 'settings' || run.state === 'applying') await holdRejected(tx, run, numbers);
  // A plan of which nothing is left ends by itself, so that the next one is not kept waiting for an approval.
  const over = run.state === 'planned' && !(await hasPlanned(tx, run));
  await moveRun(tx, run, { state: run.state, decidedBy: decision.by, ...(over ? { needsApproval: false } : {}) });
}

/** True while a plan has something left that goes on by itself. */
export async function hasPlanned(tx: Knex, run: RunRow): Promise<boolean> {
  const { rows } = await tx.raw<{ rows: unknown[] }>(
    `select from sink.run_item where run_id = ? and state = 'planned' and code is null limit 1`,
    [run.id],
  );
  return rows.length > 0;
}

async function rejectItems(tx: Knex, run: RunRow, choice: ItemChoice): Promise<readonly number[]> {
  const { rows } = await tx.raw<{ rows: { no: string }[] }>(
    `update sink.run_item i set state = 'rejected', code = null
      where i.run_id = :run and i.state in ('planned', 'held') and ${choiceSql} returning i.no`,
    { run: run.id, ...choiceBindings(choice) },
  );
  return rows.map(({ no }) => Number(no));
}

/** Going back was rejected: what was to be undone stays as it is, and so does what drifted. */
async function dropRejected(tx: Knex, run: RunRow, numbers: readonly number[]): Promise<void> {
  await tx.raw(
    `update sink.work w set run_id = null, undo = null, approved_hash = null, approved_operations = null
       from sink.run_item i
      cross join (select cast(:integration as uuid) as id offset 0) o
      where i.run_id = :run and i.no = any(cast(:numbers as bigint[]))
        and w.integration_id = o.id and w.kind = i.kind and w.id = i.id and w.run_id is not distinct from i.run_id`,
    { run: run.id, integration: run.integrationId, numbers: [...numbers] },
  );
}

/** Named items must be items, as the operator saw them: what was planned anew since is looked at again first. */
async function checkedChoice(tx: Knex, run: RunRow, { items, operation }: RunDecision): Promise<ItemChoice> {
  if (!items) return { operation };
  const found = new Map((await readItems(tx, run.id, items)).map((item) => [`${item.kind}/${item.id}`, item]));
  for (const { kind, id, hash } of items) {
    const item = found.get(`${kind}/${id}`);
    if (!item) throw new AppError('NOT_FOUND', `deciding about ${kind} ${id}: it is no item of the run`);
    if (hash !== undefined && hash !== item.hash) {
      throw new AppError('ITEM_CHANGED', `deciding about ${kind} ${id}: it was planned anew since it was looked at`);
    }
  }
  return { keys: items, operation };
}
