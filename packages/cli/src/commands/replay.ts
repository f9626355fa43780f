import { AppError } from '@orgstream/core';
import type { Input } from '@orgstream/control-api';
import type { Command } from 'commander';
import { instant } from '../arguments.ts';
import { settleCommand, withWait, type WaitOptions } from '../asked.ts';
import type { Cli } from '../cli.ts';
import { integrationId, withIntegration, type WhichIntegration } from '../control.ts';
import { leaf, type LeafOptions } from '../leaf.ts';
import { print, printJson } from '../output.ts';
import { sayDone } from '../say-result.ts';

/** `replay` and `renormalise`: read a topic again. */
export function addReplayCommands(program: Command, cli: Cli): void {
  withWait(
    withIntegration(
      leaf(program, 'replay', {
        description: 'read directory.changes again, into the existing replica; what is in step makes no call',
        notes:
          'Without --tenant or --integration all tenants are replayed. What it finds to be wrong becomes a run of kind replay.',
        examples: [
          ['replay --tenant eu1.42', 'one tenant, from the beginning of the topic'],
          ['replay --from 2026-03-01T08:00:00Z', 'all tenants, what was written since'],
        ],
      }),
    ),
    true,
  )
    .option('--from <time>', 'since then; left out: from the beginning of the topic', instant)
    .action(async (options: WaitOptions & WhichIntegration & { from?: string }) => {
      const tenant = await tenantOf(cli, options);
      await ask(cli, options, 'replay', {
        what: 'facts',
        ...(tenant === undefined ? {} : { tenant }),
        ...(options.from === undefined ? {} : { from: options.from }),
      });
    });

  withWait(
    leaf(program, 'renormalise', {
      description: 'read ziik.changes again, through the mapping as it is now; corrections become planned runs',
      examples: [['renormalise', 'after a fix in the normalizer']],
    }),
    true,
  ).action((options: WaitOptions) => ask(cli, options, 'renormalise', { what: 'renormalise' }));
}

/** `topics accept`. */
export async function askTopic(cli: Cli, what: 'accept_topic', options: LeafOptions): Promise<void> {
  await ask(cli, { ...options, timeout: 60 }, 'topics accept', { what });
}

async function tenantOf(cli: Cli, which: WhichIntegration): Promise<string | undefined> {
  if (which.integration === undefined) return which.tenant;
  if (which.tenant !== undefined) throw new AppError('USAGE', 'give either --integration or --tenant');
  const control = cli.control();
  const id = await integrationId(cli, which);
  return (await control.getIntegration({ params: { integration: id } })).tenant;
}

async function ask(cli: Cli, options: WaitOptions, what: string, body: Input<'startReplay'>['body']): Promise<void> {
  const asked = await cli.control().startReplay({ body });
  const done = await settleCommand(cli, asked, { ...options, what });
  if (options.json) return printJson(done ?? { command: asked.command });
  print(done ? sayDone(what, done.result) : `${what} asked for, command ${asked.command}`);
}
