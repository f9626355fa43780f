import { AppError } from '@orgstream/core';
import type { LoginEvent, LoginSetting } from '@orgstream/control-api';
import { Option, type Command } from 'commander';
import { onOff, personId, positive } from '../arguments.ts';
import type { Cli } from '../cli.ts';
import { aboutIntegration, allItems, from, paramsOf } from '../control.ts';
import { group, leaf, type LeafOptions } from '../leaf.ts';
import { show, showRows } from '../output.ts';
import { underTag } from '../under-tag.ts';

/** `login show|set|events`. */
export function addLoginCommands(program: Command, cli: Cli): void {
  const login = group(program, 'login', 'who is let in to Learningbank, and where the shortcut is');
  addShow(login, cli);
  addSet(login, cli);
  addEvents(login, cli);
}

function addShow(login: Command, cli: Cli): void {
  aboutIntegration(
    leaf(login, 'show', {
      description: 'whether people may log in, and where the shortcut is',
      examples: [['login show eu1.42']],
    }),
  ).action(async (text: string, options: LeafOptions) => {
    show(await cli.control().getLogin({ params: await paramsOf(cli, text) }), options, describe);
  });
}

interface SetOptions extends LeafOptions {
  readonly enabled?: boolean;
  readonly webMenu?: boolean;
  readonly app?: boolean;
}

function addSet(login: Command, cli: Cli): void {
  aboutIntegration(
    leaf(login, 'set', {
      description: 'switch login on or off, independent of synchronisation; choose where the shortcut is',
      examples: [['login set eu1.42 --enabled off'], ['login set eu1.42 --web-menu on --app off']],
    }),
  )
    .option('--enabled <on|off>', 'off: nobody is let in, and no shortcut is shown', onOff)
    .option('--web-menu <on|off>', 'shortcut in the left menu of the web', onOff)
    .option('--app <on|off>', 'shortcut in the app', onOff)
    .action(async (text: string, { json, ...body }: SetOptions) => {
      if (Object.keys(body).length === 0) throw new AppError('USAGE', 'give --enabled, --web-menu or --app');
      const control = cli.control();
      const params = await paramsOf(cli, text);
      const changed = await underTag(
        async () => (await control.getLogin({ params })).version,
        (ifMatch) => control.changeLogin({ params, body, ifMatch }),
      );
      show(changed, { json }, describe);
    });
}

interface EventsOptions extends LeafOptions {
  readonly kind?: LoginEvent['kind'];
  readonly outcome?: LoginEvent['outcome'];
  readonly code?: string;
  readonly person?: string;
  readonly limit: number;
}

function addEvents(login: Command, cli: Cli): void {
  aboutIntegration(
    leaf(login, 'events', {
      description: 'who logged in, when, with what outcome; newest first',
      examples: [
        ['login events eu1.42'],
        ['login events eu1.42 --outcome refused --limit 20'],
        ['login events eu1.42 --person 7 --kind login'],
      ],
    }),
  )
    .addOption(new Option('--kind <kind>', 'login, or a look at the shortcuts').choices(['login', 'shortcuts']))
    .addOption(new Option('--outcome <outcome>', 'only with this outcome').choices(['admitted', 'refused']))
    .option('--code <code>', 'only with this code')
    .option('--person <id>', 'only of this person of Ziik', personId)
    .option('--limit <number>', 'entries at most', positive, 100)
    .action(async (text: string, { limit, json, ...filter }: EventsOptions) => {
      const params = await paramsOf(cli, text);
      const page = Math.min(limit, 500);
      const events = await allItems(
        (cursor) => cli.control().listLoginEvents({ params, query: { ...filter, limit: page, ...from(cursor) } }),
        limit,
      );
      const head = ['at', 'kind', 'person', 'name', 'outcome', 'code', 'took', 'with'];
      showRows(events, { json, none: 'nobody has come yet' }, head, (one) => [
        one.at,
        one.kind,
        one.person ?? '',
        one.name ?? '',
        one.outcome,
        one.code ?? '',
        `${one.tookMs} ms`,
        [one.justInTime ? 'just in time' : '', one.deepLink ? 'deep link' : ''].filter(Boolean).join(', '),
      ]);
    });
}

function describe(setting: LoginSetting): string {
  const { integration, enabled, webMenu, app, changedAt, changedBy } = setting;
  const places = [webMenu ? 'web menu' : '', app ? 'app' : ''].filter(Boolean).join(', ');
  const lines: readonly (readonly [string, string])[] = [
    ['login', enabled ? 'on' : 'off: nobody is let in, and no shortcut is shown'],
    ['shortcut', places || 'nowhere'],
    ['audience', `${integration} (\`aud\` of the assertions)`],
    ['paths', `/login/${integration} and /shortcuts/${integration} at edge`],
    ['changed', changedAt === null ? 'never' : `${changedAt} by ${changedBy ?? 'somebody'}`],
  ];
  return lines.map(([head, text]) => `${head.padEnd(10)}${text}`).join('\n');
}
