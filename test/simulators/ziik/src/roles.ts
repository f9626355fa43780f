import { inTransaction, type Db, type Id, type IdLike } from './db.ts';
import { deleteRow, insertRow, updateRow } from './rows.ts';

/** Creates a role (Ziik: user type). */
export async function createRole(db: Db, siteId: IdLike, name: string | null): Promise<Id> {
  return insertRow(db, 'user_types', siteId, { name });
}

/** Renames a role. */
export async function renameRole(db: Db, siteId: IdLike, roleId: IdLike, name: string | null): Promise<void> {
  await updateRow(db, 'user_types', siteId, roleId, { name });
}

/** Deletes a role and strips it from everybody, who may end with none; one transaction. */
export async function deleteRole(
  db: Db,
  siteId: IdLike,
  roleId: IdLike,
  options: { readonly mode?: 'soft' | 'hard'; readonly strip?: boolean } = {},
): Promise<void> {
  await inTransaction(db, async (tx) => {
    if (options.strip ?? true) {
      await tx.query('delete from membership_user_types where site_id = $1 and user_type_id = $2', [siteId, roleId]);
    }
    if (options.mode === 'hard') await deleteRow(tx, 'user_types', siteId, roleId);
    else await updateRow(tx, 'user_types', siteId, roleId, { deleted_at: new Date() });
  });
}
