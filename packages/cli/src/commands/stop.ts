import { AppError } from '@orgstream/core';
import type { Integration, Output } from '@orgstream/control-api';
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { integrationId, withIntegration, type WhichIntegration } from '../control.ts';
import { changeIntegration } from '../integration-change.ts';
import { leaf, type LeafOptions } from '../leaf.ts';
import { show } from '../output.ts';

interface StopOptions extends LeafOptions, WhichIntegration {
  readonly all: boolean;
  readonly reason?: string;
}

/** `pause` and `resume`: the stop button, for everything or for one integration. */
export function addStopCommands(program: Command, cli: Cli): void {
  stopping(
    leaf(program, 'pause', {
      description: 'the stop button: nothing more is sent to Learningbank, within the time of the calls under way',
      notes:
        'Facts are read on; `orgstream resume` sends what has come up. Disabling an integration is another thing: see there.',
      examples: [
        ['pause --all --reason "bad import at the source"', 'everywhere'],
        ['pause --tenant eu1.42', 'for one integration'],
      ],
    }),
  )
    .option('--reason <text>', 'with --all: why; `orgstream status` shows it')
    .action((options: StopOptions) => press(cli, options, true));
  stopping(
    leaf(program, 'resume', {
      description: 'release the stop button',
      examples: [['resume --all'], ['resume --tenant eu1.42']],
    }),
  ).action((options: StopOptions) => press(cli, options, false));
}

const stopping = (command: Command): Command =>
  withIntegration(command).option('--all', 'all sending, everywhere', false);

async function press(cli: Cli, options: StopOptions, stopped: boolean): Promise<void> {
  const one = options.integration ?? options.tenant;
  if (options.all === (one !== undefined)) {
    throw new AppError('USAGE', 'give either --all, or --integration or --tenant');
  }
  const control = cli.control();
  if (one !== undefined) {
    if (options.reason !== undefined) throw new AppError('USAGE', '--reason goes with --all');
    const changed = await changeIntegration(control, await integrationId(cli, options), { paused: stopped });
    return show(changed, options, sayIntegration);
  }
  const body = { stopped, ...(options.reason === undefined ? {} : { reason: options.reason }) };
  return show(await control.setStop({ body }), options, sayStop);
}

const sayIntegration = ({ id, tenant, name, paused }: Integration): string =>
  paused
    ? `${tenant} (${name}): nothing more is sent; \`orgstream resume --integration ${id}\` ends it`
    : `${tenant} (${name}): sending goes on`;

const sayStop = ({ stopped }: Output<'setStop'>): string =>
  stopped ? 'all sending is stopped; `orgstream resume --all` ends it' : 'sending goes on';
