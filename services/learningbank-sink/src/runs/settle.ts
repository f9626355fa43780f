import type { Knex } from '@orgstream/database';
import { followItems, isUnderWay, parkWaiting, readTally, type Tally, writeProgress } from './follow-store.ts';
import { forgetRun } from './mark-store.ts';
import { moveRun, notifyRun, type RunRow } from './run-store.ts';

/** How fast a run goes, from what was seen of it lately. */
export class Pace {
  readonly #seen: { readonly atMs: number; readonly done: number }[] = [];

  /** Objects a second over the last half minute; null until there is something to compare with. */
  perSecond(nowMs: number, done: number): number | null {
    this.#seen.push({ atMs: nowMs, done });
    while (this.#seen.length > 2 && nowMs - this.#seen[0]!.atMs > 30_000) this.#seen.shift();
    const first = this.#seen[0]!;
    const seconds = (nowMs - first.atMs) / 1_000;
    return seconds > 0 ? Math.max(0, Math.round(((done - first.done) / seconds) * 10) / 10) : null;
  }
}

/** What is shown of a run under way. */
function progressOf({ total, done, calls }: Tally, perSecond: number | null): object {
  const left = total - done;
  return { done, total, calls, perSecond, etaSeconds: perSecond && left > 0 ? Math.ceil(left / perSecond) : null };
}

/**
 * One look at a run that is applied: its items follow the work, progress is told, and it ends when nothing can go on by
 * itself and nothing waits for an operator. The run must be locked. Returns whether something goes on by itself.
 */
export async function followRun(tx: Knex, run: RunRow, pace: { at: Pace; nowMs: number }): Promise<boolean> {
  // Looked at first: what settles between the two looks is seen by the second, and the run ends at the next turn.
  const busy = await isUnderWay(tx, run.id);
  const moved = await followItems(tx, run);
  let tally = await readTally(tx, run.id);
  const ended = !busy && !run.paused && tally.undecided === 0;
  if (ended) {
    await parkWaiting(tx, run);
    tally = await readTally(tx, run.id);
  }
  const perSecond = ended ? averageOf(tally, run, pace.nowMs) : pace.at.perSecond(pace.nowMs, tally.done);
  const told = await writeProgress(tx, run.id, progressOf(tally, run.paused ? null : perSecond));
  if (ended) {
    await forgetRun(tx, run);
    await moveRun(tx, run, { state: 'done' });
  } else if (moved > 0 || told) await notifyRun(tx, run.id);
  return busy;
}

function averageOf({ done }: Tally, { startedAtMs }: RunRow, nowMs: number): number | null {
  const seconds = startedAtMs === null ? 0 : (nowMs - startedAtMs) / 1_000;
  return seconds > 0 ? Math.round((done / seconds) * 10) / 10 : null;
}
