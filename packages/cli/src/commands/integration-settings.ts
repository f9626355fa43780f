import { AppError } from '@orgstream/core';
import { SettingsEdit, type AskedRun } from '@orgstream/control-api';
import type { Command } from 'commander';
import { positive } from '../arguments.ts';
import { settleRun, withWait, type WaitOptions } from '../asked.ts';
import type { Cli } from '../cli.ts';
import { aboutIntegration, allItems, from, integrationId } from '../control.ts';
import { readJson } from '../input.ts';
import { group, leaf, type LeafOptions } from '../leaf.ts';
import { printJson, show } from '../output.ts';
import { endWith, followRun } from '../run-wait.ts';

/** `integration settings get|set|versions|rollback`. */
export function addSettingsCommands(integration: Command, cli: Cli): void {
  const settings = group(integration, 'settings', 'settings of an integration, versioned');
  addGet(settings, cli);
  addSet(settings, cli);
  addVersions(settings, cli);
  addRollback(settings, cli);
}

function addGet(settings: Command, cli: Cli): void {
  aboutIntegration(
    leaf(settings, 'get', {
      description: 'the settings in force, as JSON',
      examples: [['integration settings get eu1.42 > settings.json', 'to edit them, then `set --file`']],
    }),
  ).action(async (text: string, options: LeafOptions) => {
    const control = cli.control();
    const id = await integrationId(cli, { integration: text });
    const inForce = await control.getSettings({ params: { integration: id } });
    show(inForce, options, () => JSON.stringify(inForce.settings, null, 2));
  });
}

interface SetOptions extends WaitOptions {
  readonly file?: string;
  readonly dryRun: boolean;
}

function addSet(settings: Command, cli: Cli): void {
  withWait(
    aboutIntegration(
      leaf(settings, 'set', {
        description: 'change settings; an edit that touches more than one object is planned, and waits for approval',
        notes: 'Values are JSON; a dot goes inside: brake.deactivate, filters.users.exclude. A list replaces the list.',
        examples: [
          ['integration settings set eu1.42 uniqueUnits=true'],
          [
            'integration settings set eu1.42 \'filters.users={"exclude":["guest@acme.example"]}\' updateJobProfile=false',
          ],
          ['integration settings set eu1.42 --file settings.json --dry-run', 'what would it touch?'],
        ],
      }),
    ),
    true,
  )
    .argument('[settings...]', 'name=value')
    .option('--file <file>', 'JSON file with the settings to change; - reads standard input')
    .option('--dry-run', 'plan and show, change nothing', false)
    .action(async (text: string, pairs: readonly string[], options: SetOptions) => {
      const body = await editOf(pairs, options.file);
      const control = cli.control();
      const params = { integration: await integrationId(cli, { integration: text }) };
      if (options.dryRun) {
        const asked = await control.startRun({ params, body: { kind: 'settings', settings: body, dryRun: true } });
        return tell(cli, asked, options);
      }
      const { version, newest } = await control.getSettings({ params });
      await tell(cli, await control.changeSettings({ params, body, ifMatch: settingsTag(version, newest) }), options);
    });
}

/** ETag of settings, as control makes it: the version in force and the newest one. */
const settingsTag = (version: number, newest: number): string => `${version}-${newest}`;

async function editOf(pairs: readonly string[], file: string | undefined): Promise<SettingsEdit> {
  const given = file === undefined ? {} : await readJson(file, '--file');
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new AppError('USAGE', '--file: it takes a JSON object');
  }
  const edit = structuredClone(given) as Record<string, unknown>;
  for (const pair of pairs) assign(edit, pair);
  if (Object.keys(edit).length === 0) throw new AppError('USAGE', 'give name=value, or --file');
  const parsed = SettingsEdit.safeParse(edit);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const path = issue?.code === 'unrecognized_keys' ? [...issue.path, ...issue.keys].join('.') : issue?.path.join('.');
  throw new AppError('USAGE', `${path || 'settings'}: ${issue?.message ?? 'does not fit'}`);
}

function assign(edit: Record<string, unknown>, pair: string): void {
  const [, path, text] = /^([a-z][a-zA-Z_]*(?:\.[a-z][a-zA-Z_]*)*)=(.*)$/s.exec(pair) ?? [];
  if (path === undefined) throw new AppError('USAGE', `${pair} is not name=value, for example uniqueUnits=true`);
  let at = edit;
  const names = path.split('.');
  for (const name of names.slice(0, -1)) {
    const inner = Object.hasOwn(at, name) ? at[name] : undefined;
    at = (at[name] = typeof inner === 'object' && inner !== null ? inner : {}) as Record<string, unknown>;
  }
  at[names.at(-1)!] = jsonOrText(text!);
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function addVersions(settings: Command, cli: Cli): void {
  aboutIntegration(
    leaf(settings, 'versions', {
      description: 'versions of the settings, newest first, with what each changed',
      examples: [['integration settings versions eu1.42']],
    }),
  ).action(async (text: string, options: LeafOptions) => {
    const control = cli.control();
    const params = { integration: await integrationId(cli, { integration: text }) };
    const versions = await allItems((cursor) => control.listSettingsVersions({ params, query: from(cursor) }));
    show(versions, options, () =>
      versions
        .flatMap((v) => [
          `version ${v.version}${v.inForce ? ' (in force)' : ''}, ${v.createdAt} by ${v.createdBy ?? 'unknown'}`,
          ...v.changes.map(({ path, from: was, to }) => `  ${path}: ${JSON.stringify(was)} -> ${JSON.stringify(to)}`),
        ])
        .join('\n'),
    );
  });
}

function addRollback(settings: Command, cli: Cli): void {
  withWait(
    aboutIntegration(
      leaf(settings, 'rollback', {
        description: 'go back to an earlier version: it is written anew as the newest, and goes on as with any edit',
        examples: [['integration settings rollback eu1.42 --version 3']],
      }),
    ),
    true,
  )
    .requiredOption('--version <number>', 'the version to go back to', positive)
    .action(async (text: string, options: WaitOptions & { version: number }) => {
      const control = cli.control();
      const params = { integration: await integrationId(cli, { integration: text }) };
      const { version, newest } = await control.getSettings({ params });
      const ifMatch = settingsTag(version, newest);
      await tell(cli, await control.rollbackSettings({ params, body: { version: options.version }, ifMatch }), options);
    });
}

/** What became of an edit: in force, or the run that it waits for. */
async function tell(cli: Cli, asked: AskedRun, options: WaitOptions): Promise<void> {
  if (options.wait === false) return printJson({ command: asked.command, run: asked.run?.id ?? null });
  const run = await settleRun(cli, asked, options);
  if (run === null) return show({ run: null }, options, () => 'in force; nothing was touched by it');
  endWith(cli, await followRun(cli, run, options), options);
}
