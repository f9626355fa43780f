import type { Command } from '@orgstream/control-api';
import type { Knex } from '@orgstream/database';

export interface CommandDetailRow extends Omit<Command, 'id' | 'createdAt' | 'updatedAt'> {
  readonly id: string;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly created_at: Date;
  readonly updated_at: Date;
}

export async function readCommandRow(db: Knex, id: number): Promise<CommandDetailRow | undefined> {
  const { rows } = await db.raw<{ rows: CommandDetailRow[] }>(
    `select id, addressee, kind, payload, state, result, code, message, created_at, updated_at
       from control.command where id = ?`,
    [id],
  );
  return rows[0];
}

/** Whose a command is; null: of all tenants, or of an integration that is gone. */
export async function commandTenant(db: Knex, { payload }: CommandDetailRow): Promise<string | null> {
  if (typeof payload['tenant'] === 'string') return payload['tenant'];
  if (typeof payload['integration'] !== 'string') return null;
  const { rows } = await db.raw<{ rows: { tenant: string }[] }>(
    `select tenant from control.integration where id::text = ?`,
    [payload['integration']],
  );
  return rows[0]?.tenant ?? null;
}

export function toCommand(row: CommandDetailRow): Command {
  const { addressee, kind, state, code, message } = row;
  // What people write to each other is for who asked for it.
  const result = kind === 'conversation.read' ? null : row.result;
  return {
    id: Number(row.id),
    addressee,
    kind,
    state,
    result,
    code,
    message,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  };
}
