import { AppError, defaultSettings, parseTenantKey } from '@orgstream/core';
import { createIntegration, listIntegrations } from '@orgstream/database';
import { Option, type Command } from 'commander';
import { z } from 'zod';
import type { Environment } from '../environment.ts';
import { print, readJson, table } from '../output.ts';

/** What a platform's "API keys (credentials)" set holds; the token may be absent where the host names the platform. */
const Credentials = z.strictObject({
  username: z.string().min(1),
  password: z.string().min(1),
  token: z.string().min(1).optional(),
});

const PlatformUrl = z.url({ protocol: /^https?$/ });

interface CreateOptions {
  readonly tenant: string;
  readonly name: string;
  readonly product: 'sync' | 'login';
  readonly url: string;
  readonly credentials: string;
  readonly uniqueUnits: boolean;
}

/** `integration create|list`. */
export function addIntegrationCommands(program: Command, environment: () => Environment): void {
  const integration = program.command('integration').description('integrations of tenants with Learningbank platforms');
  integration
    .command('create')
    .description('join a tenant to a platform; the first sync starts by itself')
    .requiredOption('--tenant <source.site>', 'tenant, for example eu1.42')
    .requiredOption('--url <platform>', "base URL of the platform's API")
    .requiredOption('--credentials <file>', 'JSON file with username, password and token; - reads standard input')
    .option('--name <label>', 'label of the shortcut that people see in Ziik', 'Learningbank')
    .addOption(
      new Option('--product <product>', 'sync = people are synchronised, login = login only')
        .choices(['sync', 'login'])
        .default('sync'),
    )
    .option('--unique-units', 'department names carry the unit id', false)
    .addHelpText(
      'after',
      '\nExample:\n  orgstream integration create --tenant eu1.42 --url https://acme.example/api/v1 --credentials acme.json\n',
    )
    .action(async (options: CreateOptions) => {
      const env = environment();
      print(JSON.stringify({ id: await create(env, options) }));
    });
  integration
    .command('list')
    .description('all integrations')
    .option('--json', 'as JSON', false)
    .action(async ({ json }: { json: boolean }) => {
      const rows = (await listIntegrations(environment().db())).map(
        ({ id, tenant, name, product, platform_url, enabled }) => ({
          id,
          tenant,
          name,
          product,
          url: platform_url,
          enabled,
        }),
      );
      if (json) return print(JSON.stringify(rows));
      print(
        table(
          ['id', 'tenant', 'name', 'product', 'url', 'enabled'],
          rows.map((r) => [r.id, r.tenant, r.name, r.product, r.url, r.enabled ? 'yes' : 'no']),
        ),
      );
    });
}

async function create(env: Environment, options: CreateOptions): Promise<string> {
  if (!parseTenantKey(options.tenant)) {
    throw new AppError('USAGE', `--tenant: ${options.tenant} is not <source>.<site id>, for example eu1.42`);
  }
  if (!PlatformUrl.safeParse(options.url).success)
    throw new AppError('USAGE', '--url: give the http(s) base URL of the API');
  const credentials = Credentials.safeParse(await readJson(options.credentials, '--credentials'));
  if (!credentials.success) {
    const fields = credentials.error.issues.map((issue) =>
      issue.code === 'unrecognized_keys' ? issue.keys.join(', ') : issue.path.join('.'),
    );
    throw new AppError(
      'USAGE',
      `--credentials: look at ${fields.join(', ') || 'the file'}; it takes {"username", "password", "token"}, all text`,
    );
  }
  const source = parseTenantKey(options.tenant)!.source;
  const { rows } = await env
    .db()
    .raw<{ rows: unknown[] }>('select from cdc.source where name = ? and removed_at is null', [source]);
  if (rows.length === 0)
    throw new AppError(
      'SOURCE_UNKNOWN',
      `there is no source ${source}: add it with \`orgstream source add --name ${source}\``,
    );
  return createIntegration(env.db(), {
    tenant: options.tenant,
    name: options.name,
    product: options.product,
    platformUrl: options.url.replace(/\/+$/, ''),
    credentials: env.secrets().seal(JSON.stringify(credentials.data)),
    settings: { ...defaultSettings, uniqueUnits: options.uniqueUnits },
  });
}
