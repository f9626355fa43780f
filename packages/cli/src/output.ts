import { readFile } from 'node:fs/promises';
import { text as readText } from 'node:stream/consumers';
import { AppError, isAppError } from '@orgstream/core';

/** Exit codes: 0 done, 1 not done (the message says why), 2 wrong usage or settings, 75 may succeed later. */
export const exitCodes = { done: 0, failed: 1, usage: 2, later: 75 } as const;

/** One sentence for a person; no stack trace. */
export function explain(error: unknown): { readonly text: string; readonly exitCode: number } {
  if (isAppError(error, 'CONFIG_INVALID', 'USAGE')) return { text: error.message, exitCode: exitCodes.usage };
  if (isAppError(error)) {
    return {
      text: `${error.code}: ${error.message}`,
      exitCode: error.disposition === 'retry' ? exitCodes.later : exitCodes.failed,
    };
  }
  if (error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED') {
    return { text: 'Postgres does not answer: check DATABASE_URL, or start `npm run dev`', exitCode: exitCodes.later };
  }
  if (error instanceof Error && 'code' in error && error.code === '42P01') {
    return { text: 'the database has not been migrated: run `orgstream migrate`', exitCode: exitCodes.failed };
  }
  return { text: error instanceof Error ? error.message : String(error), exitCode: exitCodes.failed };
}

/** A plain text table: columns padded to their widest cell, numbers to the right. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const cells = [head, ...rows.map((row) => row.map(String))];
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  const numeric = head.map((_, column) => rows.length > 0 && rows.every((row) => typeof row[column] === 'number'));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => (numeric[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd();
  return cells.map(line).join('\n');
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** All of standard input. Not by its path: where it is a socket, as under many supervisors, that cannot be opened. */
export function readInput(): Promise<string> {
  return readText(process.stdin);
}

/** Reads a JSON file, or standard input for `-`. */
export async function readJson(path: string, what: string): Promise<unknown> {
  const text = await (path === '-' ? readInput() : readFile(path, 'utf8')).catch((cause: unknown) => {
    throw new AppError('USAGE', `${what}: ${path} cannot be read`, { cause });
  });
  try {
    return JSON.parse(text);
  } catch {
    throw new AppError('USAGE', `${what}: ${path === '-' ? 'standard input' : path} is not JSON`);
  }
}
