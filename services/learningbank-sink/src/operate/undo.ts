import { AppError, type Operation } from '@orgstream/core';
import { query } from '../ingest/query.ts';
import type { ObjectKey, TargetId } from '../model.ts';
import { assess, loadPlanInputs } from '../plan/index.ts';
import type { NewItem, RunContext, RunPlanner } from '../runs/kind.ts';
import { type Applied, inTerms, type Names, onlyDiffering, readNames } from './terms.ts';
import { type Past, undoing, type Undoing, type UndoOf, undoRank } from './undo-change.ts';
import { putUndo, readBuried, readObjectsOfRun, readPast } from './undo-store.ts';

const batch = 200;

/**
 * Undo: back to the before-images of recorded calls, of an object's latest change or of all that a run did. What was
 * changed since is refused, item by item. Applied through `sink.work.undo`; afterwards the object is held UNDONE.
 */
export const undoPlanner: RunPlanner = {
  async *plan(context) {
    const { db, integration, signal } = context;
    const { of, objects } = await inScope(context);
    const names = await readNamesEver(context);
    const found: Found[] = [];
    for (let at = 0; at < objects.length && !signal.aborted; at += batch) {
      for (const past of await readPast(db, integration.id, objects.slice(at, at + batch))) {
        // Of a large run, only what is shown is kept.
        found.push({ past: { ...past, calls: [] }, verdict: undoing(past, of) });
      }
    }
    const ordered = inOrder(found);
    for (let at = 0; at < ordered.length && !signal.aborted; at += batch) {
      yield await itemsOf(context, ordered.slice(at, at + batch), names);
    }
  },
  async apply(tx, { run }, items) {
    await putUndo(tx, run, items);
  },
};

interface Found {
  readonly past: Past;
  readonly verdict: ReturnType<typeof undoing>;
}

async function inScope(context: RunContext): Promise<{ readonly of: UndoOf; readonly objects: readonly ObjectKey[] }> {
  const { db, integration, run } = context;
  const { scope } = run;
  if ('all' in scope) {
    throw new AppError('ACTION_NOT_POSSIBLE', 'planning an undo: of one person, unit or role, or of one run');
  }
  if ('kind' in scope) return { of: { latest: true }, objects: [{ kind: scope.kind, id: scope.id }] };
  const [undone] = await query<{ state: string }>(
    db,
    `select state from sink.run where id::text = ? and integration_id = ?`,
    [scope.run, integration.id],
  );
  if (!undone) throw new AppError('NOT_FOUND', 'planning an undo: no such run of this integration');
  if (!['done', 'cancelled', 'failed'].includes(undone.state)) {
    throw new AppError('RUN_STATE', 'planning an undo: that run is still under way; wait for it, or cancel it');
  }
  const objects = await readObjectsOfRun(db, integration.id, scope.run);
  if (objects.length === 0) throw new AppError('UNDO_NOTHING', 'planning an undo: that run changed nothing');
  return { of: { run: scope.run }, objects };
}

/** Names of what is linked, and of what was deleted: made again, it has another id. */
async function readNamesEver({ db, integration }: RunContext): Promise<Names> {
  const [linked, buried] = await Promise.all([readNames(db, integration.id), readBuried(db, integration.id)]);
  const of = (wanted: 'unit' | 'role'): readonly (readonly [TargetId, string])[] =>
    buried.flatMap(({ kind, id, targetId }) => (kind === wanted ? [[targetId, id] as const] : []));
  return {
    units: new Map([...of('unit'), ...linked.units]),
    roles: new Map([...of('role'), ...linked.roles]),
  };
}

/** Parents are made before children, and deleted after them: the run made them in one order, undone it is the other. */
function inOrder(found: readonly Found[]): readonly Found[] {
  const rank = ({ past, verdict }: Found): number => ('refused' in verdict ? 9 : undoRank(past, verdict));
  const ranked = found.map((one, no) => ({ one, rank: rank(one), no }));
  return ranked.toSorted((a, b) => a.rank - b.rank || b.no - a.no).map(({ one }) => one);
}

async function itemsOf(context: RunContext, found: readonly Found[], names: Names): Promise<readonly NewItem[]> {
  const { db, integration, policy } = context;
  const inputs = await loadPlanInputs(
    db,
    integration,
    found.map(({ past }) => past),
  );
  return found.map(({ past, verdict }): NewItem => {
    const { kind, id } = past;
    const input = inputs.get(`${kind}/${id}`);
    const now = input ? assess(input, policy) : null;
    const hash = now?.hash ?? null;
    if ('refused' in verdict || (now && isToLeave(now) && !isToLeave(verdict))) {
      const code = 'refused' in verdict ? verdict.refused : 'UNDO_CHANGED_SINCE';
      const before = inTerms(kind, past.applied, names);
      return { kind, id, operations: [], before, after: null, hash, code, refused: true };
    }
    const { back, operations } = verdict;
    const after = inTerms(kind, shownBack(past, verdict), names);
    const shown = onlyDiffering(inTerms(kind, verdict.now, names), after);
    const detail = {
      now: verdict.now,
      undo: { applied: back, ...references(back, names) },
      rank: undoRank(past, verdict),
    };
    return { kind, id, operations, ...shown, hash, code: null, detail };
  });
}

/**
 * The source wants somebody gone, and it has not been done: the brake holds it, say. What is undone stays held as long as
 * the same is desired, so an undo of something else would keep that person, and nobody would be told of it any more.
 */
function isToLeave({ operations }: { readonly operations: readonly Operation[] }): boolean {
  return operations.includes('deactivate') || operations.includes('delete');
}

/** A user that was made is deactivated, never deleted. */
function shownBack({ kind }: Past, { now, back }: Undoing): Applied | null {
  return kind === 'person' && back === null && now !== null ? ({ ...now, active: false } as Applied) : back;
}

/**
 * Which unit or role an id of the before-image stood for: deleted and made again, it has another id. `planUndo` reads it
 * as `{ units: { "<target id>": "<unit id>" }, roles: … }`.
 */
function references(
  back: Applied | null,
  names: Names,
): { readonly units?: Readonly<Record<string, string>>; readonly roles?: Readonly<Record<string, string>> } {
  if (back === null) return {};
  const named = (ids: readonly (TargetId | null)[], known: ReadonlyMap<TargetId, string>): Record<string, string> =>
    Object.fromEntries(
      ids.flatMap((id) => {
        const name = id === null ? undefined : known.get(id);
        return name === undefined ? [] : [[String(id), name]];
      }),
    );
  if ('departmentIds' in back) {
    return { units: named(back.departmentIds, names.units), roles: named(back.permissionTypeIds, names.roles) };
  }
  return 'parentId' in back ? { units: named([back.parentId], names.units) } : {};
}
