import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '@orgstream/core';
import { readCommand, type CommandRow, type Knex } from '@orgstream/database';

/** Waits for a service to finish a command. Throws the service's own code, or UNANSWERED when nobody took it in time. */
export async function waitForCommand(
  db: Knex,
  id: number,
  options: { readonly timeoutMs: number; readonly onProgress?: (row: CommandRow) => void },
): Promise<CommandRow> {
  const deadline = performance.now() + options.timeoutMs;
  for (;;) {
    const row = await readCommand(db, id);
    if (!row) throw new AppError('USAGE', `command ${id} does not exist`);
    if (row.state === 'done') return row;
    if (row.state === 'failed')
      throw new AppError(row.code ?? 'UNEXPECTED', row.message ?? `${row.kind} did not succeed`);
    options.onProgress?.(row);
    if (performance.now() > deadline) {
      throw new AppError(
        'COMMAND_UNANSWERED',
        `${row.kind}: ${row.addressee} has not finished it yet; it goes on, look again with \`orgstream status\``,
      );
    }
    await delay(100);
  }
}
