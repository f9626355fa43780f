import type { Command } from 'commander';
import { positive } from '../arguments.ts';
import type { Cli } from '../cli.ts';
import { allItems, from, integrationId, withIntegration, type WhichIntegration } from '../control.ts';
import { leaf, type LeafOptions } from '../leaf.ts';
import { showRows } from '../output.ts';

/** `audit`: who changed what. */
export function addAuditCommand(program: Command, cli: Cli): void {
  withIntegration(
    leaf(program, 'audit', {
      description: 'who changed what, and with what outcome; newest first',
      examples: [['audit'], ['audit --tenant eu1.42 --limit 20'], ['audit --action changeIntegration']],
    }),
  )
    .option('--action <name>', 'only this action')
    .option('--limit <number>', 'entries at most', positive, 100)
    .action(async (options: LeafOptions & WhichIntegration & { action?: string; limit: number }) => {
      const control = cli.control();
      const query = {
        limit: Math.min(options.limit, 500),
        ...(options.tenant === undefined ? {} : { tenant: options.tenant }),
        ...(options.integration === undefined ? {} : { integration: await integrationId(cli, options) }),
        ...(options.action === undefined ? {} : { action: options.action }),
      };
      const entries = await allItems(
        (cursor) => control.listAudit({ query: { ...query, ...from(cursor) } }),
        options.limit,
      );
      const none = 'nothing on record';
      showRows(entries, { ...options, none }, ['at', 'actor', 'action', 'tenant', 'object', 'outcome'], (e) => [
        e.at,
        e.actor,
        e.action,
        e.tenant ?? '',
        JSON.stringify(e.object),
        e.outcome,
      ]);
    });
}
