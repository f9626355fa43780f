import type { RunScope } from '@orgstream/core';
import type { Knex } from '@orgstream/database';
import type { ObjectKey, ObjectKind } from '../model.ts';

/** Whose objects. */
interface Whose {
  /** Id of the integration. */
  readonly id: string;
  readonly tenant: string;
}

const kinds: readonly ObjectKind[] = ['unit', 'role', 'person'];

/** Every object that has a fact or a link, in pages: units, then roles, then people. */
async function* allObjects(db: Knex, whose: Whose, size: number): AsyncIterable<readonly ObjectKey[]> {
  for (const kind of kinds) {
    const facts = `select f.id from sink.${kind} f where f.tenant = :tenant and f.id > :after`;
    const orphans = `select l.id from sink.link l where l.integration_id = :integration and l.kind = '${kind}' and l.id > :after
      and not exists (select from sink.${kind} f where f.tenant = (select cast(:tenant as text)) and f.id = l.id offset 0)`;
    for (const objects of [facts, orphans]) {
      yield* pages(size, async (after) => {
        const { rows } = await db.raw<{ rows: { id: string }[] }>(`${objects} order by 1 limit :size`, {
          tenant: whose.tenant,
          integration: whose.id,
          after,
          size,
        });
        return rows.map(({ id }) => ({ kind, id }));
      });
    }
  }
}

/** Objects of which work waits for a run of this kind. */
async function* outstanding(
  db: Knex,
  { id }: Whose,
  { forRun, size }: { readonly forRun: 'gap' | 'replay'; readonly size: number },
): AsyncIterable<readonly ObjectKey[]> {
  for (const kind of kinds) {
    yield* pages(size, async (after) => {
      const { rows } = await db.raw<{ rows: { id: string }[] }>(
        `select id from sink.work where integration_id = :integration and kind = :kind and lane = 3 and for_run = :forRun
            and id > :after order by id limit :size`,
        { integration: id, kind, forRun, after, size },
      );
      return rows.map((row) => ({ kind, id: row.id }));
    });
  }
}

/**
 * One object with what hangs on it: a unit with the units below and everybody who has a membership in one of them; a role
 * with everybody who has it.
 */
async function* around(db: Knex, { tenant }: Whose, at: ObjectKey, size: number): AsyncIterable<readonly ObjectKey[]> {
  yield [at];
  if (at.kind === 'person') return;
  const objects = at.kind === 'unit' ? belowUnit : withRole;
  for (const kind of ['unit', 'person'] as const) {
    yield* pages(size, async (after) => {
      const { rows } = await db.raw<{ rows: { id: string }[] }>(
        `${objects} select distinct o.id from objects o where o.kind = :kind and o.id > :after and not (o.kind = :atKind and o.id = :at)
          order by 1 limit :size`,
        { tenant, at: at.id, atKind: at.kind, kind, after, size },
      );
      return rows.map(({ id }) => ({ kind, id }));
    });
  }
}

const belowUnit = `
  with recursive below as (
    select cast(:at as text) as id
    union
    select u.id from sink.unit u join below b on u.parent_id = b.id where u.tenant = :tenant),
  objects as (
    select 'unit' as kind, id from below
    union all
    select 'person', m.person_id from below b join sink.membership m on m.tenant = :tenant and m.unit_id = b.id where m.person_id is not null)`;

const withRole = `
  with objects as (
    select 'person' as kind, m.person_id as id
      from sink.assignment a join sink.membership m on m.tenant = a.tenant and m.id = a.membership_id
     where a.tenant = :tenant and a.role_id = :at and m.person_id is not null)`;

async function* pages(
  size: number,
  read: (after: string) => Promise<readonly ObjectKey[]>,
): AsyncIterable<readonly ObjectKey[]> {
  for (let after = ''; ;) {
    const page = await read(after);
    if (page.length > 0) yield page;
    if (page.length < size) return;
    after = page.at(-1)!.id;
  }
}

/** What a plan looks at, in pages of at most `size`, each object once. */
export function objectsOf(
  db: Knex,
  whose: Whose,
  what: { readonly scope: RunScope; readonly forRun: 'gap' | 'replay' | null; readonly size: number },
): AsyncIterable<readonly ObjectKey[]> {
  const { scope, forRun, size } = what;
  if (forRun !== null) return outstanding(db, whose, { forRun, size });
  return 'kind' in scope ? around(db, whose, { kind: scope.kind, id: scope.id }, size) : allObjects(db, whose, size);
}

/** True when the source or we ever heard of the object. */
export async function isKnown(db: Knex, whose: Whose, { kind, id }: ObjectKey): Promise<boolean> {
  const { rows } = await db.raw<{ rows: { known: boolean }[] }>(
    `select exists (select from sink.${kind} where tenant = :tenant and id = :id)
         or exists (select from sink.link where integration_id = :integration and kind = :kind and id = :id) as known`,
    { tenant: whose.tenant, integration: whose.id, kind, id },
  );
  return rows[0]!.known;
}

/** What stands in the way of an object that has work. */
export interface Standing {
  /** The desired state that an operator undid, rejected or ignored. */
  readonly holdHash: string | null;
  readonly isBeingUndone: boolean;
}

/** Of these objects, those that have work; keys are `kind/id`. */
export async function readStandings(
  db: Knex,
  integration: string,
  objects: readonly ObjectKey[],
): Promise<ReadonlyMap<string, Standing>> {
  const { rows } = await db.raw<{
    rows: { kind: ObjectKind; id: string; hold_hash: string | null; undoing: boolean }[];
  }>(
    `select w.kind, w.id, w.hold_hash, w.undo is not null as undoing
       from unnest(cast(:kinds as text[]), cast(:ids as text[])) as o (kind, id)
      cross join lateral (
        select k.kind, k.id, k.hold_hash, k.undo from sink.work k
         where k.integration_id = :integration and k.kind = o.kind and k.id = o.id limit 1) w`,
    { integration, kinds: objects.map(({ kind }) => kind), ids: objects.map(({ id }) => id) },
  );
  return new Map(rows.map((row) => [`${row.kind}/${row.id}`, { holdHash: row.hold_hash, isBeingUndone: row.undoing }]));
}
