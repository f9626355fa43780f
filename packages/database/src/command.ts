import type { ErrorCode } from '@orgstream/core';
import type { Knex } from 'knex';

/** What a service can be asked to do. The payload names objects by their keys only. */
export type Command =
  | {
      readonly addressee: 'ziik-cdc';
      readonly kind: 'snapshot';
      readonly payload: {
        readonly source: string;
        readonly tenant?: string;
        readonly reason: string;
        readonly recreate?: boolean;
      };
    }
  | {
      readonly addressee: 'learningbank-sink';
      readonly kind: 'replay';
      readonly payload: { readonly tenant?: string };
    };

export type Addressee = Command['addressee'];

export interface CommandRow {
  readonly id: number;
  readonly addressee: Addressee;
  readonly kind: Command['kind'];
  readonly payload: Command['payload'];
  readonly state: 'new' | 'running' | 'done' | 'failed';
  readonly result: unknown;
  readonly code: ErrorCode | null;
  readonly message: string | null;
}

const channel = (addressee: Addressee): string => `orgstream_command_${addressee.replaceAll('-', '_')}`;

/** The one way to ask a service for something: a row, and a NOTIFY that spares it the wait for its 1 s poll. */
export async function insertCommand(db: Knex, command: Command): Promise<number> {
  const { rows } = await db.raw<{ rows: { id: string }[] }>(
    `insert into control.command (addressee, kind, payload) values (?, ?, ?) returning id, pg_notify(?, '')`,
    [command.addressee, command.kind, JSON.stringify(command.payload), channel(command.addressee)],
  );
  return Number(rows[0]!.id);
}

/**
 * Takes the oldest new command of an addressee, and makes it `running`; undefined when there is none. `running` ones of
 * a dead process are taken again after `staleMs`: commands are idempotent.
 */
export async function takeCommand(db: Knex, addressee: Addressee, staleMs = 60_000): Promise<CommandRow | undefined> {
  const { rows } = await db.raw<{ rows: (Omit<CommandRow, 'id'> & { id: string })[] }>(
    `update control.command set state = 'running', updated_at = now()
      where id = (select id from control.command
                   where addressee = ? and (state = 'new' or (state = 'running' and updated_at < now() - ? * interval '1 ms'))
                   order by id limit 1 for update skip locked)
      returning id, addressee, kind, payload, state, result, code, message`,
    [addressee, staleMs],
  );
  return rows[0] && { ...rows[0], id: Number(rows[0].id) };
}

/** Keeps a long command from being taken by another replica, and stores its progress. */
export async function touchCommand(db: Knex, id: number, result: unknown): Promise<void> {
  await db.raw(`update control.command set updated_at = now(), result = ? where id = ?`, [JSON.stringify(result), id]);
}

export async function finishCommand(
  db: Knex,
  id: number,
  outcome: { readonly result?: unknown; readonly code?: ErrorCode; readonly message?: string },
): Promise<void> {
  await db.raw(
    `update control.command set state = ?, result = ?, code = ?, message = ?, updated_at = now() where id = ?`,
    [
      outcome.code === undefined ? 'done' : 'failed',
      outcome.result === undefined ? null : JSON.stringify(outcome.result),
      outcome.code ?? null,
      outcome.message ?? null,
      id,
    ],
  );
}

export async function readCommand(db: Knex, id: number): Promise<CommandRow | undefined> {
  const { rows } = await db.raw<{ rows: (Omit<CommandRow, 'id'> & { id: string })[] }>(
    `select id, addressee, kind, payload, state, result, code, message from control.command where id = ?`,
    [id],
  );
  return rows[0] && { ...rows[0], id: Number(rows[0].id) };
}
