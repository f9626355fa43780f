import { AppError } from '@orgstream/core';
import { ChangeIntegration } from '@orgstream/control-api';
import type { Command } from 'commander';
import type { z } from 'zod';
import type { Cli } from '../cli.ts';
import { aboutIntegration, integrationId } from '../control.ts';
import { readJson } from '../input.ts';
import { changeIntegration } from '../integration-change.ts';
import { leaf, type LeafOptions } from '../leaf.ts';
import { show } from '../output.ts';

interface SetOptions extends LeafOptions {
  readonly name?: string;
  readonly credentials?: string;
}

/** `integration set`: what was given at its creation and may change, as a password does. */
export function addIntegrationSet(integration: Command, cli: Cli): void {
  aboutIntegration(
    leaf(integration, 'set', {
      description: 'new credentials of the platform, or another label of the shortcut',
      notes: 'A platform that refused the old credentials goes on by itself; `integration verify` tries the new ones.',
      examples: [
        ['integration set eu1.42 --credentials acme.json', 'the password was changed in Learningbank'],
        ['integration set eu1.42 --name Academy'],
      ],
    }),
  )
    .option('--credentials <file>', 'JSON file with username, password and token; - reads standard input')
    .option('--name <label>', 'label of the shortcut that people see in Ziik')
    .action(async (text: string, options: SetOptions) => {
      const edit = await editOf(options);
      const control = cli.control();
      const changed = await changeIntegration(control, await integrationId(cli, { integration: text }), edit);
      const what = Object.keys(edit).join(' and ');
      show(changed, options, ({ id, tenant, name }) => {
        const next = edit.credentials === undefined ? '' : `; try them: \`orgstream integration verify ${id}\``;
        return `${tenant} (${name}): new ${what}${next}`;
      });
    });
}

async function editOf({ name, credentials }: SetOptions): Promise<z.infer<typeof ChangeIntegration>> {
  if (name === undefined && credentials === undefined) throw new AppError('USAGE', 'give --credentials or --name');
  const edit = ChangeIntegration.safeParse({
    ...(name === undefined ? {} : { name }),
    ...(credentials === undefined ? {} : { credentials: await readJson(credentials, '--credentials') }),
  });
  if (edit.success) return edit.data;
  const [field, ...inner] = (edit.error.issues[0]?.path ?? []).map(String);
  // Names of fields only: a value may be the secret.
  if (field === 'name') throw new AppError('USAGE', `--name: ${edit.error.issues[0]!.message}`);
  throw new AppError(
    'USAGE',
    `--credentials: look at ${inner.join('.') || 'the file'}; it takes {"username", "password", "token"}, all text`,
  );
}
