import type { ObjectSummary } from '@orgstream/control-api';
import type { Knex } from '@orgstream/database';
import { iso, laneNames, nameColumn, nameJoins } from './sql.ts';

export interface ObjectRow {
  readonly kind: 'unit' | 'role' | 'person';
  readonly id: string;
  readonly name: string | null;
  readonly state: Exclude<ObjectSummary['state'], 'in_step'> | null;
  readonly lane: number | null;
  readonly code: string | null;
  readonly operations: ObjectSummary['operations'] | null;
  readonly hash: string | null;
  readonly run_id: string | null;
  readonly target_id: string | null;
  readonly committed_at: Date | null;
}

const work = `select kind, id, state, lane, code, operations, hash, run_id, committed_at
                from sink.work where integration_id = :integration`;
const link = `select kind, id, target_id from sink.link where integration_id = :integration`;

/** By kind and id, one more than `limit`. Objects are what is linked, outstanding, or both. */
export async function listObjectPage(
  db: Knex,
  options: {
    readonly integration: string;
    readonly tenant: string;
    readonly state: ObjectSummary['state'] | undefined;
    readonly code: string | undefined;
    readonly kind: string | undefined;
    readonly operation: string | undefined;
    readonly text: string | undefined;
    readonly after: readonly [kind: string, id: string] | undefined;
    readonly limit: number;
  },
): Promise<readonly ObjectRow[]> {
  const { state, code, operation } = options;
  // What is outstanding is few and has an index; all there is takes both tables.
  const outstanding = (state !== undefined && state !== 'in_step') || code !== undefined || operation !== undefined;
  const join = outstanding ? 'left' : 'full';
  const { rows } = await db.raw<{ rows: ObjectRow[] }>(
    `select o.*, ${nameColumn} from (
       select kind, id, w.state, w.lane, w.code, w.operations, w.hash, w.run_id, w.committed_at, l.target_id
         from (${work}) w ${join} join (${link}) l using (kind, id)) o
       ${nameJoins('o')}
      where (cast(:state as text) is null or coalesce(o.state, 'in_step') = :state)
        and (cast(:code as text) is null or o.code = :code)
        and (cast(:kind as text) is null or o.kind = :kind)
        and (cast(:operation as text) is null or cast(:operation as text) = any(o.operations))
        and (cast(:text as text) is null or o.id = :text
             or position(lower(:text) in lower(concat_ws(' ', np.first_name, np.last_name, np.email, nu.name, nr.name))) > 0)
        and (cast(:afterKind as text) is null or (o.kind, o.id) > (cast(:afterKind as text), cast(:afterId as text)))
      order by o.kind, o.id limit :limit`,
    {
      integration: options.integration,
      tenant: options.tenant,
      state: state ?? null,
      code: code ?? null,
      kind: options.kind ?? null,
      operation: operation ?? null,
      text: options.text ?? null,
      afterKind: options.after?.[0] ?? null,
      afterId: options.after?.[1] ?? null,
      limit: options.limit + 1,
    },
  );
  return rows;
}

export function toSummary(row: ObjectRow): ObjectSummary {
  return {
    kind: row.kind,
    id: row.id,
    name: row.name,
    state: row.state ?? 'in_step',
    lane: row.lane === null ? null : laneNames[row.lane]!,
    code: row.code,
    operations: row.operations ?? [],
    hash: row.hash,
    run: row.run_id,
    targetId: row.target_id === null ? null : Number(row.target_id),
    since: iso(row.committed_at),
  };
}
