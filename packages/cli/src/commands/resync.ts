import { AppError, parseTenantKey } from '@orgstream/core';
import { insertCommand, type Command as ServiceCommand } from '@orgstream/database';
import type { Command } from 'commander';
import { waitForCommand } from '../command-wait.ts';
import type { Environment } from '../environment.ts';
import { print } from '../output.ts';
import { positive } from './infrastructure.ts';

interface WaitOptions {
  readonly timeout: number;
  readonly json: boolean;
  readonly wait: boolean;
}

/** `snapshot` (read the source again) and `replay` (read the topic again). */
export function addResyncCommands(program: Command, environment: () => Environment): void {
  waiting(program.command('snapshot'))
    .description('read a source or one tenant again, while the stream goes on')
    .option('--source <name>', 'all tenants of this source; a lost slot or publication is made anew')
    .option('--tenant <source.site>', 'only this tenant')
    .action(async (options: WaitOptions & { source?: string; tenant?: string }) => {
      const key = options.tenant === undefined ? undefined : tenant(options.tenant);
      if ((options.source === undefined) === (key === undefined))
        throw new AppError('USAGE', 'give either --source or --tenant');
      const payload = key
        ? { source: key.source, tenant: options.tenant!, reason: 'operator' }
        : { source: options.source!, reason: 'operator', recreate: true };
      await ask(environment(), { addressee: 'ziik-cdc', kind: 'snapshot', payload }, options);
    });

  waiting(program.command('replay'))
    .description(
      'read directory.changes again from its beginning, into the existing replica; what is in step makes no call',
    )
    .option('--tenant <source.site>', 'only this tenant')
    .action(async (options: WaitOptions & { tenant?: string }) => {
      if (options.tenant !== undefined) tenant(options.tenant);
      const payload = options.tenant === undefined ? {} : { tenant: options.tenant };
      await ask(environment(), { addressee: 'learningbank-sink', kind: 'replay', payload }, options);
    });
}

function waiting(command: Command): Command {
  return command
    .option('--timeout <seconds>', 'wait this long for the result', positive, 600)
    .option('--no-wait', 'return at once')
    .option('--json', 'as JSON', false);
}

function tenant(text: string): { readonly source: string } {
  const key = parseTenantKey(text);
  if (!key) throw new AppError('USAGE', `--tenant: ${text} is not <source>.<site id>, for example eu1.42`);
  return key;
}

async function ask(env: Environment, command: ServiceCommand, options: WaitOptions): Promise<void> {
  const id = await insertCommand(env.db(), command);
  if (!options.wait)
    return print(options.json ? JSON.stringify({ command: id }) : `${command.kind} asked for, command ${id}`);
  const row = await waitForCommand(env.db(), id, { timeoutMs: options.timeout * 1_000 });
  print(
    options.json
      ? JSON.stringify({ command: id, result: row.result })
      : `${command.kind} done: ${JSON.stringify(row.result)}`,
  );
}
