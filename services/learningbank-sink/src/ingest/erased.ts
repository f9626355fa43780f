import type { Knex } from '@orgstream/database';
import { columnsOf, emptyOf } from './columns.ts';
import type { Fact, Item } from './fact.ts';
import { query } from './query.ts';

/**
 * Makes deletions of the facts of erased people (`sink.erased`), of their memberships, and of the assignments of those as
 * far as the batch shows whose they are: ids and a position, as the register itself holds, and nothing else. They are kept
 * as deletions, not dropped, because a snapshot that counts its rows counts them too. Rejections of such a person go:
 * there is nothing to park.
 */
export async function withoutErased(
  tx: Knex,
  tenants: Iterable<string>,
  items: readonly Item[],
): Promise<readonly Item[]> {
  const rows = await query<{ tenant: string; person_id: string }>(
    tx,
    `select tenant, person_id from sink.erased where tenant = any(?::text[])`,
    [[...tenants]],
  );
  if (rows.length === 0) return items;
  const people = new Set(rows.map(({ tenant, person_id }) => keyOf(tenant, person_id)));
  const isErased = (tenant: string, id: string): boolean => people.has(keyOf(tenant, id));
  const memberships = new Set<string>();
  for (const item of items) {
    if (item.type !== 'fact' || item.fact.kind !== 'membership') continue;
    if (isErased(item.fact.tenant, refersTo(item.fact, 'person_id')))
      memberships.add(keyOf(item.fact.tenant, item.fact.id));
  }
  return items.flatMap((item) => {
    if (item.type === 'marker') return [item];
    if (item.type === 'rejection') {
      const { kind, tenant, id } = item.rejection;
      return kind === 'person' && isErased(tenant, id) ? asDeletion(item.rejection) : [item];
    }
    const { kind, tenant, id } = item.fact;
    const erased =
      (kind === 'person' && isErased(tenant, id)) ||
      (kind === 'membership' && memberships.has(keyOf(tenant, id))) ||
      (kind === 'assignment' && memberships.has(keyOf(tenant, refersTo(item.fact, 'membership_id'))));
    return erased ? asDeletion(item.fact) : [item];
  });
}

/** Waits for the batches of a tenant's facts that began before the register was written, and lets none begin meanwhile. */
export async function lockIngest(tx: Knex): Promise<void> {
  await query(tx, `select from sink.ingest_offset order by topic, partition for update`, []);
}

const keyOf = (tenant: string, id: string): string => `${tenant}/${id}`;

/** Id in a column of a fact; empty when it names nothing. */
function refersTo(fact: Fact, column: string): string {
  return String(fact.content[columnsOf[fact.kind].findIndex(({ name }) => name === column)] ?? '');
}

type Met = Extract<Item, { type: 'fact' }>['fact'] | Extract<Item, { type: 'rejection' }>['rejection'];

function asDeletion(met: Met): readonly Item[] {
  // Without a position it could not be read, and no snapshot counts it.
  if (met.at === null) return [];
  const { kind, tenant, id, at, last, offset, committedAtMs, snapshotId, chunk } = met;
  const content = emptyOf(kind);
  return [{ type: 'fact', fact: { kind, tenant, id, at, last, offset, committedAtMs, snapshotId, chunk, deleted: true, content } }]; // prettier-ignore
}
