import type { Department, PermissionType, User } from '@orgstream/clients';
import type { Knex } from '@orgstream/database';
import type { FindBy, ObjectKind } from '../model.ts';

/** Objects of the target as it lists them. */
export type TargetObject =
  | { readonly kind: 'unit'; readonly object: Department }
  | { readonly kind: 'role'; readonly object: PermissionType }
  | { readonly kind: 'person'; readonly object: User };

/** An object to be found at the target; without a natural key by our marker alone. */
export interface TargetKey {
  readonly kind: ObjectKind;
  readonly marker: FindBy['marker'];
  readonly natural: FindBy['natural'] | null;
  /** What an operator decided to adopt: asked for by its id too. */
  readonly adopt?: number;
}

/** The parts of a natural key, for columns. */
function naturalColumns({ natural }: TargetKey): {
  name: string | null;
  parent_id: number | null;
  email: string | null;
  /** A department's name anywhere in the tree. */
  anywhere: boolean;
} {
  return {
    anywhere: natural !== null && 'name' in natural && !('parentId' in natural),
    name: natural && 'name' in natural ? natural.name : null,
    parent_id: natural && 'parentId' in natural ? natural.parentId : null,
    email: natural && 'email' in natural ? natural.email : null,
  };
}

const rowOf = ({ kind, object }: TargetObject): object => ({
  kind,
  target_id: object.id,
  name: kind === 'person' ? null : object.name,
  parent_id: kind === 'unit' ? object.parentId : null,
  email: kind === 'person' ? object.email : null,
  external_id: object.externalId,
  body: object,
});

/** Stores a page of a listing. */
export async function putTargets(
  db: Knex,
  listing: { readonly platform: string; readonly listedAt: Date; readonly objects: readonly TargetObject[] },
): Promise<void> {
  await db.raw(
    `insert into sink.target (platform, kind, target_id, name, parent_id, email, external_id, body, listed_at)
     select :platform, r.*, :listedAt
       from jsonb_to_recordset(cast(:objects as jsonb))
         as r (kind text, target_id bigint, name text, parent_id bigint, email text, external_id text, body jsonb)
      where r.kind <> 'person' or not exists (
        select from sink.erased e where r.external_id = e.tenant || ':person:' || e.person_id)
     on conflict (platform, kind, target_id) do update set (name, parent_id, email, external_id, body, listed_at) =
       (excluded.name, excluded.parent_id, excluded.email, excluded.external_id, excluded.body, excluded.listed_at)`,
    { ...listing, objects: JSON.stringify(listing.objects.map(rowOf)) },
  );
}

/** Forgets what an earlier listing saw and this one did not. */
export async function dropTargetsBefore(db: Knex, platform: string, listedAt: Date): Promise<void> {
  await db.raw(`delete from sink.target where platform = :platform and listed_at < :listedAt`, { platform, listedAt });
}

/** The listing serves first syncs only; it holds people's names and addresses, so it goes with the last of them. */
export async function dropUnusedTargets(db: Knex, platform: string): Promise<void> {
  await db.raw(
    `delete from sink.target where platform = :platform and not exists (
       select from sink.integration_state s where s.platform = :platform and s.state in ('listing', 'planning', 'first_sync'))`,
    { platform },
  );
}

/** What the listing has by marker or by natural key, per key in the order given. */
export async function findTargets(
  db: Knex,
  platform: string,
  keys: readonly TargetKey[],
): Promise<readonly (readonly TargetObject[])[]> {
  const asked = keys.map((key, no) => ({ no, kind: key.kind, marker: key.marker, ...naturalColumns(key) }));
  const { rows } = await db.raw<{ rows: { no: number; kind: ObjectKind; body: never }[] }>(
    `with a as materialized (
       select * from jsonb_to_recordset(cast(:asked as jsonb))
         as r (no int, kind text, marker text, name text, parent_id bigint, email text, anywhere boolean))
     select a.no, t.kind, t.body from a join sink.target t
       on t.platform = :platform and t.kind = a.kind and t.external_id = a.marker
     union
     select a.no, t.kind, t.body from a join sink.target t
       on t.platform = :platform and t.kind = 'person' and a.kind = 'person' and lower(t.email) = lower(a.email) and t.email is not null
     union
     select a.no, t.kind, t.body from a join sink.target t
       on t.platform = :platform and t.kind = a.kind and a.kind <> 'person' and btrim(t.name, E' \\t\\r\\n') = a.name
          and (a.anywhere or t.parent_id is not distinct from a.parent_id)`,
    { platform, asked: JSON.stringify(asked) },
  );
  const found = keys.map((): TargetObject[] => []);
  for (const { no, kind, body } of rows) found[no]!.push({ kind, object: body });
  return found;
}

/** Who has linked a target object already; keys are `kind/target id`. */
export async function findLinkers(
  db: Knex,
  platform: string,
  objects: readonly { readonly kind: ObjectKind; readonly id: number }[],
): Promise<ReadonlyMap<string, { readonly integrationId: string; readonly id: string }>> {
  const { rows } = await db.raw<{ rows: { kind: string; target_id: string; integration_id: string; id: string }[] }>(
    `select l.kind, l.target_id, l.integration_id, l.id
       from sink.link l join unnest(cast(:kinds as text[]), cast(:ids as bigint[])) as o (kind, id)
         on l.platform = :platform and l.kind = o.kind and l.target_id = o.id and not l.is_top`,
    { platform, kinds: objects.map(({ kind }) => kind), ids: objects.map(({ id }) => id) },
  );
  return new Map(
    rows.map((row) => [`${row.kind}/${row.target_id}`, { integrationId: row.integration_id, id: row.id }]),
  );
}

/** One of our objects with outstanding work whose marker one of these carries. */
export async function findMarkedWork<Kind extends 'person' | 'unit'>(
  db: Knex,
  where: { readonly integrationId: string; readonly tenant: string },
  objects: readonly { readonly kind: Kind; readonly externalId: string | null }[],
): Promise<{ readonly kind: Kind; readonly id: string } | undefined> {
  const marked = objects.filter(({ externalId }) => externalId !== null);
  if (marked.length === 0) return undefined;
  const { rows } = await db.raw<{ rows: { kind: Kind; id: string }[] }>(
    `select w.kind, w.id from sink.work w
       join unnest(cast(:kinds as text[]), cast(:markers as text[])) as o (kind, marker)
         on w.kind = o.kind and o.marker = :tenant || ':' || w.kind || ':' || w.id
      where w.integration_id = :integrationId and w.state in ('ready', 'waiting')
      order by w.kind, w.id limit 1`,
    { ...where, kinds: marked.map(({ kind }) => kind), markers: marked.map(({ externalId }) => externalId) },
  );
  return rows[0];
}
