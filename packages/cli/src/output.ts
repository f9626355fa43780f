import { isAppError, manualOf, type AppError, type ErrorCode } from '@orgstream/core';
import { Declined } from './cli.ts';
import { exitCodes } from './exit-codes.ts';

interface Explanation {
  readonly text: string;
  readonly exitCode: number;
}

/** One sentence for a person, with the next step where there is one; no stack trace. */
export function explain(error: unknown): Explanation {
  if (isAppError(error)) return explainOwn(error);
  if (error instanceof Declined) return { text: error.message, exitCode: exitCodes.failed };
  if (error instanceof Error && error.name === 'AbortError') {
    return { text: 'interrupted; what was asked for goes on', exitCode: exitCodes.interrupted };
  }
  return explainForeign(error);
}

/** Said by the CLI itself, or refused by control: a field or an option does not fit. */
const usageCodes: readonly ErrorCode[] = ['CONFIG_INVALID', 'USAGE', 'REQUEST_INVALID'];

function explainOwn(error: AppError): Explanation {
  const said = usageCodes.includes(error.code) ? error.message : `${error.code}: ${error.message}`;
  // Messages about options and settings say what to do themselves.
  const own = error.code === 'CONFIG_INVALID' || error.code === 'USAGE' ? undefined : manualOf(error.code).remedy;
  const given = error.data['remedy'];
  const transient = error.disposition === 'retry' && !isRefusal(error) ? exitCodes.later : exitCodes.failed;
  return {
    text: withStep(said, typeof given === 'string' ? given : own),
    exitCode: usageCodes.includes(error.code) ? exitCodes.usage : transient,
  };
}

/** Control says that what was asked does not fit, whatever the code means elsewhere: the same again is refused again. */
function isRefusal({ data: { status } }: AppError): boolean {
  return typeof status === 'number' && status >= 400 && status < 500 && status !== 408 && status !== 429;
}

/** Errors of drivers, by their code. */
function explainForeign(error: unknown): Explanation {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ECONNREFUSED') {
    return { text: 'Postgres does not answer: check DATABASE_URL, or start `npm run dev`', exitCode: exitCodes.later };
  }
  if (code === '42P01') {
    return { text: 'the database has not been migrated: run `orgstream migrate`', exitCode: exitCodes.failed };
  }
  return { text: error instanceof Error ? error.message : String(error), exitCode: exitCodes.failed };
}

/** Appends the next step, unless the message says it. */
export function withStep(message: string, step: string | undefined): string {
  const said = message.replace(/\.$/, '');
  const next = (step ?? '')
    .replace(/^resumes by itself; operator: /i, '')
    .replace(/\.$/, '')
    .replace(/^[A-Z](?=[a-z])/, (first) => first.toLowerCase());
  // A statement at the end of a message is there to be pasted: nothing may follow it.
  if (/\bthe message\b/i.test(next)) return said;
  return next === '' || said.toLowerCase().includes(next.toLowerCase()) ? said : `${said}; ${next}`;
}

/** What steers a terminal, or hides what is shown; names of people and departments are anybody's text. */
// oxlint-disable-next-line no-control-regex -- they are what is taken out
const steering = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

/** Text of others on one line of our own. */
export const oneLine = (text: string): string => text.replaceAll(steering, '\ufffd').replaceAll(/[\t\n]/g, ' ');

/** A plain text table: columns padded to their widest cell, numbers to the right. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const cells = [head, ...rows.map((row) => row.map((cell) => oneLine(String(cell))))];
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
  process.stdout.write(`${text.replaceAll(steering, '\ufffd')}\n`);
}

/** One JSON document; what steers a terminal stays what it is, escaped. */
export function printJson(value: unknown): void {
  const escaped = (found: string): string => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`;
  process.stdout.write(`${JSON.stringify(value).replaceAll(steering, escaped)}\n`);
}

/** The answer of a command: one JSON document, or the text of `render`. */
export function show<T>(value: T, { json }: { readonly json: boolean }, render: (value: T) => string): void {
  if (json) printJson(value);
  else print(render(value));
}

/** The answer of a command that lists something. */
export function showRows<T>(
  items: readonly T[],
  options: { readonly json: boolean; readonly none: string },
  head: readonly string[],
  row: (item: T) => readonly (string | number)[],
): void {
  show(items, options, () => (items.length === 0 ? options.none : table(head, items.map(row))));
}
