import { inTransaction, type Db, type Id, type IdLike } from './db.ts';
import { addMembership, type NewMembership } from './memberships.ts';
import { deleteRow, insertRow, updateRow } from './rows.ts';

/** A person to be hired. Absent fields take the table's defaults. */
export interface NewPerson {
  readonly id?: IdLike;
  readonly firstName?: string | null;
  readonly lastName?: string | null;
  readonly email?: string | null;
  readonly language?: string | null;
  readonly active?: boolean;
  readonly admin?: boolean;
  readonly reference?: string | null;
  readonly memberships: readonly NewMembership[];
  /** True = the person and the memberships are two transactions: a reader may see the first half alone. */
  readonly halves?: boolean;
}

/** Hires a person: users, memberships and membership_user_types rows, in one transaction unless `halves`. */
export async function hire(db: Db, siteId: IdLike, person: NewPerson): Promise<{ personId: Id; membershipIds: Id[] }> {
  if (!person.halves) return inTransaction(db, (tx) => writePerson(tx, siteId, person));
  return writePerson(db, siteId, person);
}

async function writePerson(db: Db, siteId: IdLike, person: NewPerson): Promise<{ personId: Id; membershipIds: Id[] }> {
  const personId = await insertRow(db, 'users', siteId, {
    id: person.id,
    first_name: person.firstName,
    last_name: person.lastName,
    email: person.email,
    language: person.language,
    active: person.active,
    admin: person.admin,
    reference: person.reference,
  });
  const membershipIds: Id[] = [];
  for (const membership of person.memberships) {
    membershipIds.push(await addMembership(db, siteId, personId, membership));
  }
  return { personId, membershipIds };
}

/** Changes a person's name. */
export async function renamePerson(
  db: Db,
  siteId: IdLike,
  personId: IdLike,
  name: { readonly firstName?: string | null; readonly lastName?: string | null },
): Promise<void> {
  await updateRow(db, 'users', siteId, personId, { first_name: name.firstName, last_name: name.lastName });
}

/** Changes or clears a person's e-mail. Uniqueness is not checked: imports break it too. */
export async function changeEmail(db: Db, siteId: IdLike, personId: IdLike, email: string | null): Promise<void> {
  await updateRow(db, 'users', siteId, personId, { email });
}

/** Gives `from`'s address to `to`, and a new one to `from`, in one transaction. */
export async function handOverEmail(
  db: Db,
  siteId: IdLike,
  { from, to, newEmail }: { readonly from: IdLike; readonly to: IdLike; readonly newEmail: string | null },
): Promise<void> {
  await inTransaction(db, async (tx) => {
    const { rows } = await tx.query<{ email: string | null }>(
      'select email from users where site_id = $1 and id = $2',
      [siteId, from],
    );
    await changeEmail(tx, siteId, from, newEmail);
    await changeEmail(tx, siteId, to, rows[0]?.email ?? null);
  });
}

/** Changes a person's language. */
export async function changeLanguage(db: Db, siteId: IdLike, personId: IdLike, language: string | null): Promise<void> {
  await updateRow(db, 'users', siteId, personId, { language });
}

/** The person leaves: `active` becomes false. */
export async function deactivate(db: Db, siteId: IdLike, personId: IdLike): Promise<void> {
  await updateRow(db, 'users', siteId, personId, { active: false });
}

/** The person comes back: active again, no longer expired. */
export async function reactivate(db: Db, siteId: IdLike, personId: IdLike): Promise<void> {
  await updateRow(db, 'users', siteId, personId, { active: true, expires_at: null });
}

/** Soft deletion: `deleted_at`, everything else stays. */
export async function softDelete(db: Db, siteId: IdLike, personId: IdLike): Promise<void> {
  await updateRow(db, 'users', siteId, personId, { deleted_at: new Date() });
}

/** Takes a soft deletion back. */
export async function restore(db: Db, siteId: IdLike, personId: IdLike): Promise<void> {
  await updateRow(db, 'users', siteId, personId, { deleted_at: null });
}

/** Removes the rows: roles, memberships, person, in one transaction. */
export async function hardDelete(db: Db, siteId: IdLike, personId: IdLike): Promise<void> {
  await inTransaction(db, async (tx) => {
    await tx.query(
      `delete from membership_user_types where site_id = $1 and membership_id = any(array(
        select id from memberships where site_id = $1 and user_id = $2))`,
      [siteId, personId],
    );
    await tx.query('delete from memberships where site_id = $1 and user_id = $2', [siteId, personId]);
    await deleteRow(tx, 'users', siteId, personId);
  });
}

/** Ziik's anonymisation after the retention period: name and e-mail become placeholders, the person is inactive. */
export async function anonymise(db: Db, siteId: IdLike, personId: IdLike): Promise<void> {
  await updateRow(db, 'users', siteId, personId, {
    first_name: 'Anonymised',
    last_name: 'User',
    email: `anonymised-${personId}@ziik.invalid`,
    reference: null,
    active: false,
    anonymised_at: new Date(),
  });
}

/** Sets or clears the moment from which the person counts as inactive; nothing else in the row changes then. */
export async function expire(db: Db, siteId: IdLike, personId: IdLike, at: Date | null): Promise<void> {
  await updateRow(db, 'users', siteId, personId, { expires_at: at });
}
