import { AppError, codes, type ErrorCode } from '@orgstream/core';
import type { AskedCommand, AskedRun, Client, Command as ServiceCommand, Run } from '@orgstream/control-api';
import type { Command } from 'commander';
import { positive } from './arguments.ts';
import type { Cli } from './cli.ts';
import { poll } from './poll.ts';
import { createProgress, type Progress } from './progress.ts';

/** Options of commands that ask a service for something. */
export interface WaitOptions {
  readonly json: boolean;
  readonly timeout: number;
  /** undefined: as the command has it. */
  readonly wait?: boolean;
}

/** `--wait`, `--no-wait`, `--timeout`. */
export function withWait(command: Command, waitsByDefault: boolean): Command {
  return command
    .option('--wait', `wait for the end${waitsByDefault ? ' (default)' : ''}`)
    .option('--no-wait', `return at once${waitsByDefault ? '' : ' (default)'}`)
    .option('--timeout <seconds>', 'wait this long at most; what was asked for goes on', positive, 600);
}

/** Waits until a command is finished; undefined when it is not waited for and not finished. Throws the service's own code. */
export async function settleCommand(
  cli: Cli,
  asked: AskedCommand,
  options: WaitOptions & { readonly what: string },
): Promise<{ readonly command: number; readonly result: unknown } | undefined> {
  if (asked.state === 'done') return { command: asked.command, result: asked.result };
  if (options.wait === false) return undefined;
  const progress = createProgress({ patient: true });
  try {
    const { id, result } = await waitForCommand(cli, asked.command, { ...options, progress });
    return { command: id, result };
  } finally {
    progress.stop();
  }
}

async function waitForCommand(
  cli: Cli,
  command: number,
  options: { readonly what: string; readonly timeout: number; readonly progress: Progress },
): Promise<ServiceCommand> {
  const control = cli.control();
  const seen = await poll(() => control.getCommand({ params: { command }, signal: cli.signal }), {
    done: ({ state }) => state === 'done' || state === 'failed',
    onLook: ({ result, state }) => {
      const { done, total } = progressOf(result);
      if (state === 'running' && total > 0) options.progress.update({ label: options.what, done, total, note: '' });
    },
    what: options.what,
    timeoutSeconds: options.timeout,
    signal: cli.signal,
  });
  if (seen.state === 'failed') throw failureOf(seen, options.what);
  return seen;
}

function failureOf({ code, message, kind }: ServiceCommand, what: string): AppError {
  const known: ErrorCode = code !== null && code in codes ? (code as ErrorCode) : 'UNEXPECTED';
  return new AppError(known, message ?? `${what} (${kind}) did not succeed`);
}

/** How far a command has come, as far as its result says. */
function progressOf(result: unknown): { readonly done: number; readonly total: number } {
  const { records, done, total } = (result ?? {}) as Partial<Record<'records' | 'done' | 'total', unknown>>;
  const passed = done ?? records;
  return { done: typeof passed === 'number' ? passed : 0, total: typeof total === 'number' ? total : 0 };
}

/** The run that was asked for. A sink that has not taken the command yet is given a moment. */
export async function settleRun(cli: Cli, asked: AskedRun, options: { readonly timeout: number }): Promise<Run | null> {
  if (asked.run !== null || asked.command === null) return asked.run;
  const control: Client = cli.control();
  const progress = createProgress({ patient: true });
  const { result } = await waitForCommand(cli, asked.command, { what: 'the run', timeout: options.timeout, progress });
  const run = (result as { readonly run?: unknown } | null)?.run;
  return typeof run === 'string' ? control.getRun({ params: { run } }) : null;
}
