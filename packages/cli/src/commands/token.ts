import { AppError, parseTenantKey } from '@orgstream/core';
import { roles, type Role, type Token } from '@orgstream/control-api';
import { createToken } from '@orgstream/database';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { identifier, instant } from '../arguments.ts';
import { confirm, type Cli } from '../cli.ts';
import { allItems, from } from '../control.ts';
import { group, leaf, type LeafOptions } from '../leaf.ts';
import { print, printJson, show, showRows } from '../output.ts';

interface CreateOptions extends LeafOptions {
  readonly name: string;
  readonly role: Role;
  readonly tenants?: readonly string[];
  readonly expires?: string;
  readonly local: boolean;
}

/** `token create|list|revoke`. */
export function addTokenCommands(program: Command, cli: Cli): void {
  const token = group(program, 'token', 'bearer tokens of the admin API');
  leaf(token, 'create', {
    description: 'make a token; it is shown once',
    examples: [
      ['token create --local --name first', 'the first one, by way of the database'],
      ['token create --name console --role operator --tenants eu1.42,eu1.43 --expires 2027-01-01'],
    ],
  })
    .requiredOption('--name <name>', 'who or what it is for')
    .addOption(new Option('--role <role>', 'what it may do').choices(roles).default('admin'))
    .option('--tenants <keys>', 'only these tenants, comma-separated; left out: all', tenantKeys)
    .option('--expires <time>', 'end of its life; left out: none', instant)
    .option('--local', 'write it into the database of DATABASE_URL; asks control for nothing', false)
    .action(async (options: CreateOptions) => {
      const created = await (options.local ? createLocally(cli, options) : createByControl(cli, options));
      if (options.json) return printJson(created);
      // The secret alone on standard output, so that a script can take it as it is.
      process.stderr.write(`token ${created.id} (${created.role}); it is not shown again:\n`);
      print(created.secret);
    });
  leaf(token, 'list', {
    description: 'all tokens, without their secrets',
    examples: [['token list']],
  }).action(async (options: LeafOptions) => {
    const tokens = await allItems((cursor) => cli.control().listTokens({ query: from(cursor) }));
    const none = 'no token yet';
    showRows(tokens, { ...options, none }, ['id', 'name', 'role', 'tenants', 'last used', 'state'], (t) => [
      t.id,
      t.name,
      t.role,
      t.tenants?.join(',') ?? 'all',
      t.lastUsedAt ?? 'never',
      stateOf(t),
    ]);
  });
  leaf(token, 'revoke <id>', {
    description: 'end a token, at once and for ever',
    examples: [['token revoke 0f8c2f0e-6c0b-4a56-9a3e-2c1d7f9b8a10']],
  })
    .option('--yes', 'do not ask', false)
    .action(async (text: string, options: LeafOptions & { yes: boolean }) => {
      const id = identifier(text);
      if (process.stdin.isTTY) await confirm(cli, `end token ${id} for ever`, options);
      await cli.control().revokeToken({ params: { token: id } });
      show({ id, revoked: true }, options, () => `token ${id} is revoked`);
    });
}

function tenantKeys(text: string): readonly string[] {
  const keys = text.split(',').map((key) => key.trim());
  const wrong = keys.find((key) => !parseTenantKey(key));
  if (wrong !== undefined) throw new InvalidArgumentError(`${wrong} is not <source>.<site id>, for example eu1.42.`);
  return keys;
}

function stateOf({ revokedAt, expiresAt }: Token): string {
  if (revokedAt !== null) return 'revoked';
  return expiresAt !== null && new Date(expiresAt).getTime() < Date.now() ? 'expired' : 'valid';
}

interface Created {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly secret: string;
}

async function createLocally(cli: Cli, options: CreateOptions): Promise<Created> {
  if (options.name.trim() === '') throw new AppError('USAGE', '--name: give it a name');
  const { id, name, role, secret } = await createToken(cli.environment().db(), {
    name: options.name,
    role: options.role,
    tenants: options.tenants ?? null,
    expiresAt: options.expires === undefined ? null : new Date(options.expires),
    by: 'orgstream token create --local',
  });
  return { id, name, role, secret };
}

async function createByControl(cli: Cli, options: CreateOptions): Promise<Created> {
  const { id, name, role, secret } = await cli.control().createToken({
    body: {
      name: options.name,
      role: options.role,
      ...(options.tenants === undefined ? {} : { tenants: [...options.tenants] }),
      ...(options.expires === undefined ? {} : { expiresAt: options.expires }),
    },
  });
  return { id, name, role, secret };
}
