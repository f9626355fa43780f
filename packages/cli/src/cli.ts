import { createInterface } from 'node:readline/promises';
import { AppError } from '@orgstream/core';
import type { Client } from '@orgstream/control-api';
import type { Environment } from './environment.ts';

/** What every command is given. */
export interface Cli {
  /** Opened on first use. */
  environment(): Environment;
  /** The admin API. */
  control(): Client;
  /** Ends the command line with another code than 0, without an error. */
  finish(code: number): void;
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal;
}

/** An operator who was asked said no. */
export class Declined extends Error {
  constructor() {
    super('nothing was changed');
    this.name = 'Declined';
  }
}

/**
 * Asks before something that cannot easily be taken back. On a terminal by a question; elsewhere `--yes` says it, and
 * without it nothing is done (USAGE). Throws Declined.
 */
export async function confirm(cli: Cli, what: string, options: { readonly yes: boolean }): Promise<void> {
  if (options.yes) return;
  const atTerminal = process.stdin.isTTY === true && process.stderr.isTTY === true;
  if (!atTerminal) throw new AppError('USAGE', `this would ${what}: give --yes to do it without being asked`);
  const asking = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await asking.question(`This would ${what}. Go on? [y/N] `, { signal: cli.signal });
    if (!/^y(es)?$/i.test(answer.trim())) throw new Declined();
  } finally {
    asking.close();
  }
}
