import { type Command, type CommandRow, finishCommand } from './command.ts';
import { carryOutCommands } from './command-loop.ts';
import type { Knex } from './database.ts';

type Payload = Extract<Command, { kind: 'person.forget' }>['payload'];

/** Carries out `person.forget` commands until the signal aborts: `forget` deletes and returns how many rows. Any replica may. */
export async function forgetPeople(
  options: {
    readonly db: Knex;
    readonly addressee: Extract<Command, { kind: 'person.forget' }>['addressee'];
    readonly log: { warn(facts: object, message: string): void; info(facts: object, message: string): void };
    readonly pause: () => Promise<void>;
    readonly forget: (person: Payload) => Promise<number>;
  },
  signal: AbortSignal,
): Promise<void> {
  const { db, log, forget } = options;
  const carryOut = async ({ id, payload }: CommandRow): Promise<void> => {
    const rows = await forget(payload as Payload);
    await finishCommand(db, id, { result: { rows } });
    log.info({ tenant: (payload as Payload).tenant, rows }, 'person forgotten');
  };
  await carryOutCommands({ ...options, kinds: ['person.forget'], carryOut }, signal);
}
