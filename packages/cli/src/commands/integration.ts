import { AppError } from '@orgstream/core';
import { CreateIntegration, type Client, type Integration } from '@orgstream/control-api';
import { Option, type Command } from 'commander';
import type { z } from 'zod';
import { integrationName, tenantKey } from '../arguments.ts';
import { confirm, type Cli } from '../cli.ts';
import { allItems, from, integrationId } from '../control.ts';
import { exitCodes } from '../exit-codes.ts';
import { sayFinding, tellFindings } from '../finding-text.ts';
import { readJson } from '../input.ts';
import { changeIntegration } from '../integration-change.ts';
import { group, leaf, type LeafOptions } from '../leaf.ts';
import { printJson, show, showRows } from '../output.ts';
import { addIntegrationSet } from './integration-set.ts';
import { addSettingsCommands } from './integration-settings.ts';

/** `integration create|list|show|verify|set|enable|disable|pause|resume|shadow|settings|remove`. */
export function addIntegrationCommands(program: Command, cli: Cli): void {
  const integration = group(program, 'integration', 'integrations of tenants with Learningbank platforms');
  addCreate(integration, cli);
  addLooks(integration, cli);
  addIntegrationSet(integration, cli);
  addSwitches(integration, cli);
  addSettingsCommands(integration, cli);
  addRemove(integration, cli);
}

interface CreateOptions extends LeafOptions {
  readonly tenant: string;
  readonly name: string;
  readonly product: 'sync' | 'login';
  readonly url: string;
  readonly credentials: string;
  readonly uniqueUnits: boolean;
  readonly review: boolean;
  readonly settings?: string;
}

function addCreate(integration: Command, cli: Cli): void {
  leaf(integration, 'create', {
    description: 'join a tenant to a platform; the first sync starts by itself. Prints {"id": …}',
    examples: [
      ['integration create --tenant eu1.42 --url https://acme.example/api/v1 --credentials acme.json'],
      [
        'integration create --tenant eu1.42 --url https://acme.example/api/v1 --credentials - --review < acme.json',
        'the first sync waits for approval of its plan',
      ],
    ],
  })
    .requiredOption('--tenant <source.site>', 'tenant, for example eu1.42', tenantKey)
    .requiredOption('--url <platform>', "base URL of the platform's API")
    .requiredOption('--credentials <file>', 'JSON file with username, password and token; - reads standard input')
    .option('--name <label>', 'label of the shortcut that people see in Ziik', 'Learningbank')
    .addOption(
      new Option('--product <product>', 'sync = people are synchronised, login = login only')
        .choices(['sync', 'login'])
        .default('sync'),
    )
    .option('--unique-units', 'department names carry the unit id', false)
    .option('--review', 'the first sync waits for approval of its plan', false)
    .option('--settings <file>', 'JSON file with settings that differ from the defaults')
    .action(async (options: CreateOptions) => {
      const body = await createBody(options);
      const { integration: made, findings } = await cli.control().createIntegration({ body });
      tellFindings(findings);
      printJson(options.json ? { id: made.id, findings } : { id: made.id });
    });
}

/** What is sent, checked here first: what does not fit is said in the words of the options. */
async function createBody(options: CreateOptions): Promise<z.infer<typeof CreateIntegration>> {
  const platformUrl = options.url.replace(/\/+$/, '');
  if (!CreateIntegration.shape.platformUrl.safeParse(platformUrl).success) {
    throw new AppError('USAGE', '--url: give the http(s) base URL of the API');
  }
  const given = options.settings === undefined ? {} : await readJson(options.settings, '--settings');
  if (typeof given !== 'object' || given === null) throw new AppError('USAGE', '--settings: it takes a JSON object');
  const settings = {
    ...given,
    ...(options.uniqueUnits ? { uniqueUnits: true } : {}),
    ...(options.review ? { review: true } : {}),
  };
  const body = CreateIntegration.safeParse({
    tenant: options.tenant,
    name: options.name,
    product: options.product,
    platformUrl,
    credentials: await readJson(options.credentials, '--credentials'),
    ...(Object.keys(settings).length > 0 ? { settings } : {}),
  });
  if (body.success) return body.data;
  const [field = ''] = (body.error.issues[0]?.path ?? []).map(String);
  const names: Readonly<Record<string, string>> = {
    credentials: `--credentials: look at ${fieldsOf(body.error, 'credentials')}; it takes {"username", "password", "token"}, all text`,
    settings: `--settings: look at ${fieldsOf(body.error, 'settings')}; \`orgstream integration settings get\` shows what there is`,
  };
  throw new AppError('USAGE', names[field] ?? `--${field}: ${body.error.issues[0]?.message ?? 'does not fit'}`);
}

/** Names of the fields that do not fit, never their values. */
function fieldsOf(error: z.ZodError, under: string): string {
  const fields = error.issues
    .filter(({ path }) => path[0] === under)
    .map((issue) => (issue.code === 'unrecognized_keys' ? issue.keys.join(', ') : issue.path.slice(1).join('.')));
  return fields.filter((field) => field !== '').join(', ') || 'the file';
}

function addLooks(integration: Command, cli: Cli): void {
  leaf(integration, 'list', {
    description: 'all integrations',
    examples: [['integration list'], ['integration list --tenant eu1.42 --json']],
  })
    .option('--tenant <source.site>', 'only of this tenant', tenantKey)
    .action(async (options: LeafOptions & { tenant?: string }) => {
      const which = options.tenant === undefined ? {} : { tenant: options.tenant };
      const all = await allItems((cursor) => cli.control().listIntegrations({ query: { ...which, ...from(cursor) } }));
      const none = 'no integration yet: `orgstream integration create` makes one';
      const rows = all.map((one) => ({ ...one, url: one.platformUrl }));
      showRows(rows, { ...options, none }, ['id', 'tenant', 'name', 'product', 'url', 'state'], (i) => [
        i.id,
        i.tenant,
        i.name,
        i.product,
        i.url,
        stateOf(i),
      ]);
    });
  named(integration, 'show', 'one integration', cli, async (control, id, options) => {
    show(await control.getIntegration({ params: { integration: id } }), options, describe);
  });
  named(
    integration,
    'verify',
    'test the credentials and look for what should be set up better',
    cli,
    async (control, id, options) => {
      const verified = await control.verifyIntegration({ params: { integration: id } });
      if (!verified.ok) cli.finish(exitCodes.failed);
      show(verified, options, ({ findings, proposed }) =>
        [
          ...(findings.length === 0 ? ['everything is as it should be'] : findings.map(sayFinding)),
          ...(proposed.protectedEmails.length === 0
            ? []
            : [
                `proposed for protection: ${proposed.protectedEmails.join(', ')}; \`orgstream integration settings set\` adds them`,
              ]),
        ].join('\n'),
      );
    },
  );
}

type On = (control: Client, id: string, options: LeafOptions) => Promise<void>;

/** A command about one integration, by id or by a tenant that has one. */
function named(parent: Command, name: string, description: string, cli: Cli, on: On, what = `${name} eu1.42`): Command {
  const words: string[] = [];
  for (let up: Command | null = parent; up?.parent; up = up.parent) words.unshift(up.name());
  return leaf(parent, name, { description, examples: [[`${words.join(' ')} ${what}`]] })
    .argument('<integration>', 'its id, or a tenant that has one integration', integrationName)
    .action(async (text: string, options: LeafOptions) => {
      const control = cli.control();
      await on(control, await integrationId(cli, { integration: text }), options);
    });
}

/** Switches: what each sets. */
const switches = {
  enable: [{ enabled: true }, 'live changes flow again; the gap report waits for `orgstream sync`'],
  disable: [{ enabled: false }, 'nothing is sent from now on; facts are read on, for the gap report'],
  pause: [{ paused: true }, 'nothing is sent until it is resumed; marks keep their lanes'],
  resume: [{ paused: false }, 'sending goes on'],
} as const;

function addSwitches(integration: Command, cli: Cli): void {
  for (const [name, [body, description]] of Object.entries(switches)) {
    named(integration, name, description, cli, async (control, id, options) => {
      show(await changeIntegration(control, id, body), options, name === 'enable' ? sayEnabled : sayState);
    });
  }
  const shadow = group(integration, 'shadow', 'plan and record, send nothing');
  for (const on of [true, false]) {
    const description = on ? 'from now on plan and record, send nothing' : 'send again, what was held by it first';
    named(shadow, on ? 'on' : 'off', description, cli, async (control, id, options) => {
      show(await changeIntegration(control, id, { shadow: on }), options, sayState);
    });
  }
}

function stateOf({ enabled, paused, shadow, code, state }: Integration): string {
  if (!enabled) return 'disabled';
  if (code !== null) return code;
  if (paused) return 'paused';
  return shadow ? 'shadow' : (state ?? 'new');
}

const sayState = (one: Integration): string => `${one.tenant} (${one.name}): ${stateOf(one)}`;

const sayEnabled = (one: Integration): string =>
  `${sayState(one)}
what changed meanwhile waits; the gap report: \`orgstream run list --integration ${one.id} --kind gap\`, and \`orgstream sync --integration ${one.id}\` applies it`;

function describe(one: Integration): string {
  const lines: readonly (readonly [string, string])[] = [
    ['id', one.id],
    ['tenant', one.tenantName === null ? one.tenant : `${one.tenant} (${one.tenantName})`],
    ['name', one.name],
    ['product', one.product],
    ['platform', one.platform === null ? one.platformUrl : `${one.platformUrl} (${one.platform})`],
    ['state', one.message === null ? stateOf(one) : `${stateOf(one)}: ${one.message}`],
    ['settings', `version ${one.settingsVersion}, preset ${one.preset}`],
    ['first sync', one.firstSync?.doneAt ?? one.firstSync?.startedAt ?? 'not begun'],
    [
      'drift',
      one.drift === null
        ? 'never compared'
        : `${one.drift.differing} of ${one.drift.known} differ, seen ${one.drift.provedAt}`,
    ],
    ['created', one.createdAt],
  ];
  return lines.map(([head, text]) => `${head.padEnd(11)}${text}`).join('\n');
}

function addRemove(integration: Command, cli: Cli): void {
  leaf(integration, 'remove', {
    description: 'erase our links, credentials and state of it; Learningbank is left as it is',
    notes:
      "With the tenant's last integration its whole replica is erased. Connecting it again adopts what is ours by its marker.",
    examples: [['integration remove eu1.42 --yes']],
  })
    .argument('<integration>', 'its id, or a tenant that has one integration', integrationName)
    .option('--yes', 'do not ask', false)
    .action(async (text: string, options: LeafOptions & { yes: boolean }) => {
      const control = cli.control();
      const id = await integrationId(cli, { integration: text });
      const { generation, tenant, name } = await control.getIntegration({ params: { integration: id } });
      await confirm(cli, `erase links, credentials and state of ${name} (tenant ${tenant})`, options);
      await control.removeIntegration({ params: { integration: id }, ifMatch: generation });
      show(
        { id, removed: true },
        options,
        () => `${name} (tenant ${tenant}) is removed; Learningbank is left as it is`,
      );
    });
}
