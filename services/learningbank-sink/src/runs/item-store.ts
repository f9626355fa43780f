import type { Operation } from '@orgstream/core';
import type { Knex } from '@orgstream/database';
import type { ObjectKind } from '../model.ts';
import type { NewItem } from './kind.ts';
import type { RunItem } from './run-store.ts';

/** Forgets the items of a plan that is to be made again. */
export async function deleteItems(tx: Knex, run: string): Promise<void> {
  await tx.raw(`delete from sink.run_item where run_id = ?`, [run]);
}

export async function insertItems(tx: Knex, run: string, items: readonly NewItem[]): Promise<void> {
  await tx.raw(
    `insert into sink.run_item (run_id, kind, id, operations, before, after, hash, state, code, detail)
     select :run, r.kind, r.id, array(select jsonb_array_elements_text(r.operations)), nullif(r.before, 'null'), nullif(r.after, 'null'),
            r.hash, case when r.refused then 'parked' else 'planned' end, r.code, nullif(r.detail, 'null')
       from rows from (jsonb_to_recordset(cast(:items as jsonb))
              as (kind text, id text, operations jsonb, before jsonb, after jsonb, hash text, refused boolean, code text, detail jsonb))
            with ordinality as r (kind, id, operations, before, after, hash, refused, code, detail, no)
      order by r.no
     on conflict (run_id, kind, id) do nothing`,
    { run, items: JSON.stringify(items) },
  );
}

/** Objects by operation, all items, and those that cannot go on by themselves. */
export async function countItems(tx: Knex, run: string): Promise<Readonly<Record<string, number>>> {
  const { rows } = await tx.raw<{ rows: { what: string; n: string }[] }>(
    `select o.operation as what, count(*) as n from sink.run_item i cross join unnest(i.operations) as o (operation)
      where i.run_id = :run group by 1
     union all select 'items', count(*) from sink.run_item where run_id = :run
     union all select 'parked', count(*) from sink.run_item where run_id = :run and code is not null`,
    { run },
  );
  return Object.fromEntries(rows.map(({ what, n }) => [what, Number(n)]));
}

/** What happened while the integration was disabled, in the words of the gap report; each object counts once. */
export async function countGap(tx: Knex, run: string): Promise<Readonly<Record<string, number>>> {
  const { rows } = await tx.raw<{ rows: { what: string; n: string }[] }>(
    `select case when operations && array['create', 'adopt'] then 'created' when 'delete' = any(operations) then 'deleted'
                 when 'deactivate' = any(operations) then 'left' when 'move' = any(operations) then 'moved'
                 else 'changed' end as what, count(*) as n
       from sink.run_item where run_id = :run and operations <> '{}' group by 1`,
    { run },
  );
  const none = { created: 0, changed: 0, moved: 0, left: 0, deleted: 0 };
  return { ...none, ...Object.fromEntries(rows.map(({ what, n }) => [what, Number(n)])) };
}

/** Which items a decision is about; without `keys` and `operation` all. */
export interface ItemChoice {
  readonly keys?: readonly { readonly kind: ObjectKind; readonly id: string; readonly hash?: string }[] | undefined;
  readonly operation?: Operation | undefined;
}

/** Condition on `i`, an alias of `sink.run_item`, with the bindings of {@link choiceBindings}. */
export const choiceSql = `
  (cast(:keys as jsonb) is null or (i.kind, i.id) in (select k.kind, k.id from jsonb_to_recordset(cast(:keys as jsonb)) as k (kind text, id text)))
  and (cast(:operation as text) is null or :operation = any(i.operations))`;

export function choiceBindings(choice: ItemChoice): {
  readonly keys: string | null;
  readonly operation: string | null;
} {
  return { keys: choice.keys ? JSON.stringify(choice.keys) : null, operation: choice.operation ?? null };
}

/** Named items, with what they are now; who is missing in the answer is no item of the run. */
export async function readItems(
  tx: Knex,
  run: string,
  keys: readonly { readonly kind: ObjectKind; readonly id: string }[],
): Promise<readonly RunItem[]> {
  const { rows } = await tx.raw<{ rows: ItemRow[] }>(
    `select ${itemColumns} from sink.run_item i where i.run_id = :run and ${choiceSql} order by i.no`,
    { run, ...choiceBindings({ keys }) },
  );
  return rows.map(itemOf);
}

/** Items by their numbers. */
export async function readItemsByNo(tx: Knex, run: string, numbers: readonly number[]): Promise<readonly RunItem[]> {
  const { rows } = await tx.raw<{ rows: ItemRow[] }>(
    `select ${itemColumns} from sink.run_item i where i.run_id = :run and i.no = any(cast(:numbers as bigint[])) order by i.no`,
    { run, numbers: [...numbers] },
  );
  return rows.map(itemOf);
}

/** Numbers of the items that were rejected. */
export async function readRejected(tx: Knex, run: string): Promise<readonly number[]> {
  const { rows } = await tx.raw<{ rows: { no: string }[] }>(
    `select no from sink.run_item where run_id = ? and state = 'rejected'`,
    [run],
  );
  return rows.map(({ no }) => Number(no));
}

type ItemRow = Omit<RunItem, 'no'> & { readonly no: string };
const itemColumns = `i.no, i.kind, i.id, i.operations, i.hash, i.state, i.code, i.detail`;
const itemOf = (row: ItemRow): RunItem => ({ ...row, no: Number(row.no) });
