import { AppError } from '@orgstream/core';
import { listSources } from '@orgstream/database';
import { addSource, removeSource } from '@orgstream/ziik-source';
import type { Command } from 'commander';
import { confirm, type Cli } from '../cli.ts';
import { readInput, readJson } from '../input.ts';
import { group, leaf, type LeafOptions } from '../leaf.ts';
import { show, showRows } from '../output.ts';

interface AddOptions extends LeafOptions {
  readonly name: string;
  readonly url: string;
  readonly mapping?: string;
}

/** `source add|list|remove`: they touch the source's database and ours. */
export function addSourceCommands(program: Command, cli: Cli): void {
  const source = group(program, 'source', 'databases of Ziik that are read by change data capture');
  leaf(source, 'add', {
    description: 'check a source, make its slot and publication, and start reading it; again: change URL or mapping',
    examples: [
      ['source add --name eu1 --url - < url.txt', 'the URL from standard input, not in the history of the shell'],
      ['source add --name eu2 --url - --mapping tables.json', 'where tables or columns have other names'],
    ],
  })
    .requiredOption('--name <source>', 'first part of its tenant keys, for example eu1')
    .requiredOption('--url <postgres url>', 'of the primary, of a role that may replicate; - reads standard input')
    .option('--mapping <file>', 'JSON file, where tables or columns have other names than the reference schema')
    .action(async (options: AddOptions) => {
      show(await add(cli, options), options, ({ findings, name, created, slot, publication }) =>
        [
          ...findings.map(({ level, code, message, action }) => `${level} ${code}: ${message}; ${action}`),
          `source ${name} ${created ? 'added' : 'changed'}: slot ${slot}, publication ${publication}`,
        ].join('\n'),
      );
    });
  leaf(source, 'list', {
    description: 'all sources, with state and slot',
    examples: [['source list'], ['source list --json']],
  }).action(async (options: LeafOptions) => {
    const rows = (await listSources(cli.environment().db())).map(({ name, state, code, slot_name }) => ({
      name,
      state,
      code,
      slot: slot_name,
    }));
    const none = 'no source yet: `orgstream source add` adds one';
    showRows(rows, { ...options, none }, ['name', 'state', 'code', 'slot'], (r) => [
      r.name,
      r.state,
      r.code ?? '',
      r.slot,
    ]);
  });
  leaf(source, 'remove <name>', {
    description:
      'stop reading a source and drop its slot and publication; refused while tenants of it have integrations',
    examples: [['source remove eu1 --yes']],
  })
    .option('--yes', 'do not ask', false)
    .action((name: string, options: LeafOptions & { yes: boolean }) => remove(cli, name, options));
}

async function remove(cli: Cli, name: string, options: LeafOptions & { readonly yes: boolean }): Promise<void> {
  const db = cli.environment().db();
  const known = (await listSources(db)).some((source) => source.name === name);
  if (!known) throw new AppError('SOURCE_UNKNOWN', `there is no source ${name}`);
  const { rows } = await db.raw<{ rows: { tenant: string }[] }>(
    `select i.tenant from control.integration i join control.tenant t on t.key = i.tenant where t.source = ? order by 1 limit 3`,
    [name],
  );
  if (rows.length > 0) {
    const tenants = rows.map(({ tenant }) => tenant).join(', ');
    const remedy = 'remove them first with `orgstream integration remove`';
    throw new AppError('ACTION_NOT_POSSIBLE', `source ${name} has tenants with integrations (${tenants})`, { remedy });
  }
  await confirm(cli, `drop slot and publication of source ${name}: going on later takes a full snapshot`, options);
  await removeSource(db, name);
  show(
    { name, removed: true },
    options,
    () => `source ${name} is being removed: ziik-cdc drops its slot and publication`,
  );
}

async function add(cli: Cli, options: AddOptions): ReturnType<typeof addSource> {
  const url = options.url === '-' ? (await readInput()).trim() : options.url;
  if (!/^postgres(ql)?:\/\//.test(url))
    throw new AppError('USAGE', '--url: give postgres://user:password@host:port/database');
  const environment = cli.environment();
  const secrets = environment.secrets();
  return addSource(environment.db(), {
    name: options.name,
    url,
    seal: (plain) => secrets.seal(plain),
    ...(options.mapping === undefined ? {} : { mapping: await readJson(options.mapping, '--mapping') }),
  });
}
