import { AppError } from '@orgstream/core';
import type { Knex } from 'knex';

/** A secret as `packages/runtime` sealed it. */
export interface SealedSecret {
  readonly keyId: string;
  readonly sealed: Buffer;
}

export async function insertSecret(db: Knex, secret: SealedSecret): Promise<string> {
  const { rows } = await db.raw<{ rows: { id: string }[] }>(
    `insert into control.secret (key_id, sealed) values (?, ?) returning id`,
    [secret.keyId, secret.sealed],
  );
  return rows[0]!.id;
}

export async function readSecret(db: Knex, id: string): Promise<SealedSecret | undefined> {
  const { rows } = await db.raw<{ rows: { key_id: string; sealed: Buffer }[] }>(
    `select key_id, sealed from control.secret where id = ?`,
    [id],
  );
  return rows[0] && { keyId: rows[0].key_id, sealed: rows[0].sealed };
}

/** Reads a secret and opens it. Throws SECRET_UNREADABLE, also when it is gone. */
export async function openSecret(db: Knex, box: { open(secret: SealedSecret): string }, id: string): Promise<string> {
  const sealed = await readSecret(db, id);
  if (!sealed) throw new AppError('SECRET_UNREADABLE', 'opening a secret: it is gone');
  return box.open(sealed);
}
