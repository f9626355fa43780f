import { AppError } from '@orgstream/core';
import { insertCommand, readCommand, type Command, type CommandRow, type Knex } from '@orgstream/database';
import { sleep } from '@orgstream/runtime';

/** A command, finished or still under way when the wait was over. */
interface Asked {
  readonly id: number;
  readonly state: 'new' | 'running' | 'done';
  readonly result: unknown;
}

export interface CommandWait {
  /** Asks a service and waits a little; a refusal is thrown with the service's own code. */
  ask(command: Command, waitMs?: number): Promise<Asked>;
  /** Some command has finished. */
  wake(): void;
}

/** What of it is answered: 202 while it goes on under its number. */
export function toReply({ id, state, result }: Asked): {
  readonly status: 200 | 202;
  readonly body: { readonly command: number; readonly state: Asked['state']; readonly result: unknown };
} {
  return { status: state === 'done' ? 200 : 202, body: { command: id, state, result } };
}

/** A look this often, should a notification be lost. */
const POLL_MS = 250;

/** Waits for commands: woken by notifications, and by a poll. */
export function createCommandWait(db: Knex, defaultWaitMs: number): CommandWait {
  let bell = new AbortController();
  return {
    async ask(command, waitMs = defaultWaitMs) {
      const id = await insertCommand(db, command);
      const deadline = performance.now() + waitMs;
      for (;;) {
        const { signal } = bell;
        const row = await readCommand(db, id);
        const left = deadline - performance.now();
        if (!row || row.state === 'done' || row.state === 'failed' || left <= 0) return toAsked(id, row);
        await sleep(Math.min(POLL_MS, left), signal);
      }
    },
    wake() {
      bell.abort();
      bell = new AbortController();
    },
  };
}

function toAsked(id: number, row: CommandRow | undefined): Asked {
  if (!row) throw new AppError('NOT_FOUND', `command ${id}: it is gone`);
  if (row.state === 'failed') {
    const data = row.code === 'REQUEST_INVALID' ? { field: 'body' } : {};
    throw new AppError(row.code ?? 'UNEXPECTED', row.message ?? `${row.kind}: it did not succeed`, data);
  }
  return { id, state: row.state, result: row.result };
}
