import { AppError, parseTenantKey } from '@orgstream/core';
import { CreateIssuer } from '@orgstream/control-api';
import { Option, type Command } from 'commander';
import { tenantKey } from '../arguments.ts';
import { confirm, type Cli } from '../cli.ts';
import { allItems, from } from '../control.ts';
import { readJson } from '../input.ts';
import { group, leaf, type LeafOptions } from '../leaf.ts';
import { show, showRows } from '../output.ts';

/** `issuer list|add|remove`. */
export function addIssuerCommands(program: Command, cli: Cli): void {
  const issuer = group(program, 'issuer', 'who may sign the assertions that people log in with');
  addList(issuer, cli);
  addAdd(issuer, cli);
  addRemove(issuer, cli);
}

function addList(issuer: Command, cli: Cli): void {
  leaf(issuer, 'list', { description: 'all issuers', examples: [['issuer list'], ['issuer list --tenant eu1.42']] })
    .option('--tenant <source.site>', 'only those who may sign for this tenant', tenantKey)
    .action(async ({ tenant, json }: LeafOptions & { tenant?: string }) => {
      const which = tenant === undefined ? {} : { tenant };
      const issuers = await allItems((cursor) => cli.control().listIssuers({ query: { ...which, ...from(cursor) } }));
      const none = 'nobody is trusted yet: `orgstream issuer add`';
      showRows(issuers, { json, none }, ['id', 'issuer', 'for', 'product', 'keys'], (one) => [
        one.id,
        one.iss,
        one.tenant ?? `all of ${one.source}`,
        one.product,
        one.jwksUrl ?? one.keys.join(', '),
      ]);
    });
}

interface AddOptions extends LeafOptions {
  readonly iss: string;
  readonly tenant?: string;
  readonly source?: string;
  readonly product: 'ziik' | 'tamigo';
  readonly jwksUrl?: string;
  readonly jwks?: string;
}

function addAdd(issuer: Command, cli: Cli): void {
  leaf(issuer, 'add', {
    description: 'trust somebody to say who people are: one tenant, or all of a source',
    notes:
      'Keys from an address are read again when an assertion names one that is not known: a rotation needs nothing here.',
    examples: [
      ['issuer add --iss https://acme.ziik.io --tenant eu1.42 --jwks-url https://acme.ziik.io/.well-known/jwks.json'],
      ['issuer add --iss https://ziik.example --source eu1 --jwks keys.json', 'for every tenant of the source'],
    ],
  })
    .requiredOption('--iss <issuer>', '`iss` as it stands in the assertions')
    .option('--tenant <source.site>', 'may sign for this tenant', tenantKey)
    .option('--source <name>', 'may sign for every tenant of this source')
    .addOption(new Option('--product <product>', 'what the issuer is').choices(['ziik', 'tamigo']).default('ziik'))
    .option('--jwks-url <url>', 'where its public keys are; https, or on this machine')
    .option('--jwks <file>', 'JSON file with its public keys instead; - reads standard input')
    .action(async (options: AddOptions) => {
      const made = await cli.control().createIssuer({ body: await bodyOf(options) });
      show(made, options, ({ id, iss }) => `${iss} is trusted; its id is ${id}`);
    });
}

/** What is sent, checked here first: what does not fit is said in the words of the options. */
async function bodyOf({ iss, tenant, source, product, jwksUrl, jwks }: AddOptions): Promise<CreateIssuer> {
  if ((tenant === undefined) === (source === undefined))
    throw new AppError('USAGE', 'give either --tenant or --source');
  if ((jwksUrl === undefined) === (jwks === undefined)) throw new AppError('USAGE', 'give either --jwks-url or --jwks');
  const keys = jwks === undefined ? { jwksUrl } : { jwks: await readJson(jwks, '--jwks') };
  const owner = tenant === undefined ? { source } : { source: parseTenantKey(tenant)?.source, tenant };
  const body = CreateIssuer.safeParse({ iss, product, ...owner, ...keys });
  if (body.success) return body.data;
  const { path = [], message = 'does not fit' } = body.error.issues[0] ?? {};
  const names: Readonly<Record<string, string>> = { jwksUrl: 'jwks-url' };
  const [field = ''] = path.map(String);
  throw new AppError('USAGE', `--${names[field] ?? field}: ${path.slice(1).join('.')} ${message}`.replace(':  ', ': '));
}

function addRemove(issuer: Command, cli: Cli): void {
  leaf(issuer, 'remove', {
    description: 'trust an issuer no longer, at once',
    examples: [['issuer remove 6f1ed002ab5595859014ebf0951522d9 --yes']],
  })
    .argument('<id>', 'its id, as `issuer list` shows it')
    .option('--yes', 'do not ask', false)
    .action(async (id: string, options: LeafOptions & { yes: boolean }) => {
      await confirm(cli, 'trust that issuer no longer: nobody logs in by it any more', options);
      await cli.control().removeIssuer({ params: { issuer: id } });
      show({ id, removed: true }, options, () => 'the issuer is trusted no longer');
    });
}
