import { type ErrorCode, knownFields } from '@orgstream/core';
import type { Command, Knex } from '@orgstream/database';
import { readTypeTexts } from '../deliver/text-store.ts';
import { insertTest, type Refused, retryRow } from '../ledger/command-store.ts';

type Of<K extends Command['kind']> = Extract<Command, { kind: K }>['payload'];
type Answer = { readonly result: unknown } | { readonly code: ErrorCode; readonly message: string };

/** Queues a test message; its row of the ledger says what became of it. Asked for again, it is the same row. */
export async function testNotification(db: Knex, command: number, payload: Of<'notification.test'>): Promise<Answer> {
  const { integration, person, type } = payload;
  const body = type === undefined ? null : (await readTypeTexts(db, { integration, type })).body;
  const sampled = knownFields(body).filter((field) => field !== 'link');
  const fields = Object.fromEntries(sampled.map((field) => [field, `[${field}]`]));
  const made = await insertTest(db, { command, integration, person, type, fields });
  return typeof made === 'number' ? { result: { notification: made } } : made;
}

export async function retryNotification(db: Knex, { integration, id }: Of<'notification.retry'>): Promise<Answer> {
  const refused: Refused | null = await retryRow(db, { integration, id });
  return refused ?? { result: { notification: id } };
}
