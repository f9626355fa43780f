import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { allItems, from } from '../control.ts';
import { group, leaf, type LeafOptions } from '../leaf.ts';
import { showRows } from '../output.ts';

/** `tenant list`. */
export function addTenantCommands(program: Command, cli: Cli): void {
  leaf(group(program, 'tenant', 'sites of Ziik'), 'list', {
    description: 'tenants that have, or had, an integration; with the end of their newest proved snapshot',
    examples: [['tenant list'], ['tenant list --json']],
  }).action(async (options: LeafOptions) => {
    const tenants = await allItems((cursor) => cli.control().listTenants({ query: from(cursor) }));
    const none = 'no tenant yet: `orgstream integration create` joins one to a platform';
    showRows(
      tenants,
      { ...options, none },
      ['tenant', 'name', 'source', 'integrations', 'people', 'proved snapshot'],
      (t) => [t.key, t.name ?? '', t.source, t.integrations.length, t.people, t.provedSnapshotAt ?? 'none'],
    );
  });
}
