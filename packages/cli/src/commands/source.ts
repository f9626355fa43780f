import { AppError } from '@orgstream/core';
import { listSources } from '@orgstream/database';
import { addSource } from '@orgstream/ziik-source';
import type { Command } from 'commander';
import type { Environment } from '../environment.ts';
import { print, readInput, readJson, table } from '../output.ts';

interface AddOptions {
  readonly name: string;
  readonly url: string;
  readonly mapping?: string;
  readonly json: boolean;
}

/** `source add|list`. */
export function addSourceCommands(program: Command, environment: () => Environment): void {
  const source = program.command('source').description('databases of Ziik that are read by change data capture');
  source
    .command('add')
    .description('check a source, make its slot and publication, and start reading it; again: change URL or mapping')
    .requiredOption('--name <source>', 'first part of its tenant keys, for example eu1')
    .requiredOption('--url <postgres url>', 'of the primary, of a role that may replicate; - reads standard input')
    .option('--mapping <file>', 'JSON file, where tables or columns have other names than the reference schema')
    .option('--json', 'as JSON', false)
    .addHelpText('after', '\nExample:\n  echo "$ZIIK_URL" | orgstream source add --name eu1 --url -\n')
    .action(async (options: AddOptions) => {
      const { json, ...result } = { json: options.json, ...(await add(environment(), options)) };
      if (json) return print(JSON.stringify(result));
      for (const { level, code, message, action } of result.findings) print(`${level} ${code}: ${message}; ${action}`);
      print(
        `source ${result.name} ${result.created ? 'added' : 'changed'}: slot ${result.slot}, publication ${result.publication}`,
      );
    });
  source
    .command('list')
    .description('all sources')
    .option('--json', 'as JSON', false)
    .action(async ({ json }: { json: boolean }) => {
      const rows = (await listSources(environment().db())).map(({ name, state, code, slot_name }) => ({
        name,
        state,
        code,
        slot: slot_name,
      }));
      print(
        json
          ? JSON.stringify(rows)
          : table(
              ['name', 'state', 'code', 'slot'],
              rows.map((r) => [r.name, r.state, r.code ?? '', r.slot]),
            ),
      );
    });
}

async function add(env: Environment, options: AddOptions): ReturnType<typeof addSource> {
  const url = options.url === '-' ? (await readInput()).trim() : options.url;
  if (!/^postgres(ql)?:\/\//.test(url))
    throw new AppError('USAGE', '--url: give postgres://user:password@host:port/database');
  const secrets = env.secrets();
  return addSource(env.db(), {
    name: options.name,
    url,
    seal: (plain) => secrets.seal(plain),
    ...(options.mapping === undefined ? {} : { mapping: await readJson(options.mapping, '--mapping') }),
  });
}
