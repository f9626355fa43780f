import { AppError, parseTenantKey } from '@orgstream/core';
import type { Command } from 'commander';
import { tenantKey } from '../arguments.ts';
import { settleCommand, withWait, type WaitOptions } from '../asked.ts';
import type { Cli } from '../cli.ts';
import { leaf } from '../leaf.ts';
import { print, printJson } from '../output.ts';
import { sayDone } from '../say-result.ts';

interface SnapshotOptions extends WaitOptions {
  readonly source?: string;
  readonly tenant?: string;
}

/** `snapshot`: read a source or one tenant again. */
export function addSnapshotCommand(program: Command, cli: Cli): void {
  withWait(
    leaf(program, 'snapshot', {
      description: 'read a source or one tenant again, while the stream goes on',
      examples: [
        ['snapshot --tenant eu1.42', 'one tenant'],
        ['snapshot --source eu1 --no-wait', 'all tenants; a lost slot or publication is made anew'],
      ],
    }),
    true,
  )
    .option('--source <name>', 'all tenants of this source; a lost slot or publication is made anew')
    .option('--tenant <source.site>', 'only this tenant', tenantKey)
    .action(async (options: SnapshotOptions) => {
      if ((options.source === undefined) === (options.tenant === undefined)) {
        throw new AppError('USAGE', 'give either --source or --tenant');
      }
      const source = options.source ?? parseTenantKey(options.tenant!)!.source;
      const body = options.tenant === undefined ? {} : { tenant: options.tenant };
      const asked = await cli.control().snapshotSource({ params: { source }, body });
      const done = await settleCommand(cli, asked, { ...options, what: 'snapshot' });
      if (options.json) return printJson(done ?? { command: asked.command });
      print(done ? sayDone('snapshot', done.result) : `snapshot asked for, command ${asked.command}`);
    });
}
