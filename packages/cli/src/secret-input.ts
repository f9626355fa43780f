import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { AppError } from '@orgstream/core';
import type { Cli } from './cli.ts';
import { readInput } from './input.ts';

/**
 * A secret that is not in the environment: from standard input, on a terminal by a question that does not show what is
 * typed. Never from the command line, which everybody on the machine may read. Throws USAGE when there is none.
 */
export async function readSecretInput(cli: Cli, what: string, variable: string): Promise<string> {
  const given = process.stdin.isTTY === true ? await ask(cli, what) : (await readInput()).replace(/\r?\n$/, '');
  if (given === '') throw new AppError('USAGE', `${what}: give it on standard input, or in ${variable}`);
  return given;
}

async function ask(cli: Cli, what: string): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  process.stderr.write(`${what}: `);
  const asking = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  try {
    return await asking.question('', { signal: cli.signal });
  } finally {
    asking.close();
    process.stderr.write('\n');
  }
}
