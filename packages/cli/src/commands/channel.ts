import { AppError, isAppError } from '@orgstream/core';
import type { ChangeChannel, Channel, ChannelSet } from '@orgstream/control-api';
import { Argument, Option, type Command } from 'commander';
import { onOff, positive } from '../arguments.ts';
import { confirm, type Cli } from '../cli.ts';
import { aboutIntegration, paramsOf } from '../control.ts';
import { exitCodes } from '../exit-codes.ts';
import { sayFinding, tellFindings } from '../finding-text.ts';
import { group, leaf, type LeafOptions } from '../leaf.ts';
import { print, printJson, show } from '../output.ts';
import { readSecretInput } from '../secret-input.ts';
import { underTag } from '../under-tag.ts';

/** `channel show|set|verify|quiet|rotate-secret|remove`. */
export function addChannelCommands(program: Command, cli: Cli): void {
  const channel = group(program, 'channel', "the Ziik channel: Learningbank's notifications as chat messages");
  addShow(channel, cli);
  addSet(channel, cli);
  addVerify(channel, cli);
  addQuiet(channel, cli);
  addRotate(channel, cli);
  addRemove(channel, cli);
}

function addShow(channel: Command, cli: Cli): void {
  aboutIntegration(
    leaf(channel, 'show', {
      description: 'the Ziik channel of an integration, and how it is doing',
      examples: [['channel show eu1.42']],
    }),
  ).action(async (text: string, options: LeafOptions) => {
    show(await cli.control().getChannel({ params: await paramsOf(cli, text) }), options, describe);
  });
}

interface SetOptions extends LeafOptions {
  readonly url?: string;
  readonly sender?: string;
  readonly intake?: 'hook' | 'poll';
  readonly conversations?: 'auto' | 'new' | 'old';
  readonly language?: string;
  readonly maxAge?: number;
  readonly enabled?: boolean;
  readonly quietDuringRuns?: boolean;
}

const passwordVariable = 'ORGSTREAM_SENDER_PASSWORD';

function addSet(channel: Command, cli: Cli): void {
  aboutIntegration(
    leaf(channel, 'set', {
      description: 'set up the Ziik channel, or change what is given of it',
      notes:
        `The sender's password comes from ${passwordVariable}, else from standard input; Ziik is asked whether it is right\n` +
        "before anything is stored. A hook secret that was made is printed alone on standard output, once: it goes into\nLearningbank's settings, with the path that `channel show` names.",
      examples: [
        [
          'channel set eu1.42 --url https://acme.ziik.io --sender academy@acme.example < password',
          'set it up; prints the secret of the hook',
        ],
        ['channel set eu1.42 --sender academy@acme.example < password', 'the sender has a new password'],
        ['channel set eu1.42 --enabled off'],
        ['channel set eu1.42 --language da --max-age 6'],
      ],
    }),
  )
    .option('--url <ziik>', "base URL of the tenant's Ziik, without /api")
    .option('--sender <e-mail>', 'the Ziik user whom the messages come from')
    .addOption(new Option('--intake <way>', 'hook: Learningbank calls edge; poll: edge asks').choices(['hook', 'poll']))
    .addOption(
      new Option('--conversations <behaviour>', "which behaviour of Ziik's conversations to count on").choices([
        'auto',
        'new',
        'old',
      ]),
    )
    .option('--language <code>', "of the text, where there is none in the receiver's, for example da")
    .option('--max-age <hours>', "nothing older, by Learningbank's time, is sent", positive)
    .option('--enabled <on|off>', 'off: nothing is sent, and what comes is skipped', onOff)
    .option('--quiet-during-runs <on|off>', 'notifications wait while a run is applied', onOff)
    .action(async (text: string, options: SetOptions) => {
      const edit = await editOf(cli, options);
      const params = await paramsOf(cli, text);
      const version = await versionOf(cli, params);
      if (version === undefined) tell(await setUp(cli, params, edit), options);
      else tell(await change(cli, params, edit), options);
    });
}

async function editOf(cli: Cli, options: SetOptions): Promise<ChangeChannel> {
  const { url, sender, intake, conversations, language, maxAge, enabled, quietDuringRuns } = options;
  const given = {
    ziikUrl: url?.replace(/\/+$/, ''),
    intake,
    conversations,
    defaultLanguage: language,
    maxAgeS: maxAge === undefined ? undefined : maxAge * 3_600,
    enabled,
    quietDuringRuns,
    sender: sender === undefined ? undefined : { email: sender, password: await readPassword(cli, sender) },
  };
  const edit = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as ChangeChannel;
  if (Object.keys(edit).length > 0) return edit;
  throw new AppError('USAGE', 'give what is to be set; `orgstream channel set --help` shows what there is');
}

async function readPassword(cli: Cli, sender: string): Promise<string> {
  const { senderPassword } = cli.environment().settings;
  return senderPassword ?? readSecretInput(cli, `password of ${sender}`, passwordVariable);
}

async function versionOf(cli: Cli, params: { readonly integration: string }): Promise<number | undefined> {
  try {
    return (await cli.control().getChannel({ params })).version;
  } catch (error) {
    if (isAppError(error, 'NOT_FOUND')) return undefined;
    throw error;
  }
}

type Params = { readonly integration: string };

function setUp(cli: Cli, params: Params, edit: ChangeChannel): Promise<ChannelSet> {
  const { ziikUrl, sender, ...rest } = edit;
  if (ziikUrl === undefined || sender === undefined) {
    throw new AppError('USAGE', 'there is no channel yet: give --url and --sender');
  }
  return cli.control().putChannel({ params, body: { ziikUrl, sender, ...rest } });
}

function change(cli: Cli, params: Params, body: ChangeChannel): Promise<ChannelSet> {
  const control = cli.control();
  return underTag(
    async () => (await control.getChannel({ params })).version,
    (ifMatch) => control.changeChannel({ params, body, ifMatch }),
  );
}

/** The secret alone on standard output, so that a script can take it as it is. */
function tell(set: ChannelSet, options: LeafOptions): void {
  if (options.json) return printJson(set);
  tellFindings(set.findings);
  if (set.hookSecret === null) return print(describe(set.channel));
  process.stderr.write(`${describe(set.channel)}\nsecret of the hook; it is not shown again:\n`);
  print(set.hookSecret);
}

function addVerify(channel: Command, cli: Cli): void {
  aboutIntegration(
    leaf(channel, 'verify', {
      description: 'try the sender at Ziik, and look for what should be set up better',
      examples: [['channel verify eu1.42']],
    }),
  ).action(async (text: string, options: LeafOptions) => {
    const verified = await cli.control().verifyChannel({ params: await paramsOf(cli, text) });
    if (!verified.ok) cli.finish(exitCodes.failed);
    show(verified, options, ({ findings }) =>
      findings.length === 0 ? 'everything is as it should be' : findings.map(sayFinding).join('\n'),
    );
  });
}

function addQuiet(channel: Command, cli: Cli): void {
  aboutIntegration(
    leaf(channel, 'quiet', {
      description: 'let notifications wait, or send what waited; what became too old meanwhile is not sent',
      examples: [['channel quiet eu1.42 on'], ['channel quiet eu1.42 off']],
    }),
  )
    .addArgument(new Argument('<on|off>', 'on: they wait; off: they are sent').choices(['on', 'off']))
    .action(async (text: string, to: string, options: LeafOptions) => {
      const { channel: changed } = await change(cli, await paramsOf(cli, text), { quiet: to === 'on' });
      show(changed, options, sayStatus);
    });
}

function addRotate(channel: Command, cli: Cli): void {
  aboutIntegration(
    leaf(channel, 'rotate-secret', {
      description: "make a new secret for Learningbank's hook; it is shown once, alone on standard output",
      notes: 'The old one is taken besides for --keep-old hours: time to bring the new one to Learningbank.',
      examples: [
        ['channel rotate-secret eu1.42'],
        ['channel rotate-secret eu1.42 --leaked', 'the old one is taken no longer, from now on'],
      ],
    }),
  )
    .addOption(new Option('--keep-old <hours>', 'the old one is taken this long').argParser(positive).default(24))
    .option('--leaked', 'the old one is taken no longer, from now on', false)
    .action(async (text: string, options: LeafOptions & { keepOld: number; leaked: boolean }) => {
      const params = await paramsOf(cli, text);
      const keepOldS = options.leaked ? 0 : options.keepOld * 3_600;
      const control = cli.control();
      const { version: ifMatch } = await control.getChannel({ params });
      // Not looked at again when it is stale: after somebody else's rotation ours would end the secret that is in use.
      const made = await control.rotateHookSecret({ params, body: { keepOldS }, ifMatch });
      if (options.json) return printJson(made);
      const until = made.oldHookSecretUntil;
      process.stderr.write(
        `new secret; the old one is taken ${until === null ? 'no longer' : `until ${until}`}; it is not shown again:\n`,
      );
      print(made.hookSecret);
    });
}

function addRemove(channel: Command, cli: Cli): void {
  aboutIntegration(
    leaf(channel, 'remove', {
      description: 'remove the channel, its credentials and texts; what was sent is never sent again',
      examples: [['channel remove eu1.42 --yes']],
    }),
  )
    .option('--yes', 'do not ask', false)
    .action(async (text: string, options: LeafOptions & { yes: boolean }) => {
      const control = cli.control();
      const params = await paramsOf(cli, text);
      await confirm(cli, 'remove the channel, its credentials and texts', options);
      const { version: ifMatch } = await control.getChannel({ params });
      await control.removeChannel({ params, ifMatch });
      show({ ...params, removed: true }, options, () => 'the channel is removed; its ledger stays');
    });
}

function sayStatus({ status }: Channel): string {
  const { state, code, message, queued, held } = status;
  const why = [code, message].filter((part) => part !== null).join(': ');
  return `${state}${why === '' ? '' : ` (${why})`}, ${queued} on their way, ${held} wait`;
}

/** edge notes the time of what it polls; deliveries of a hook show in the ledger only. */
const neverReceived: Readonly<Record<Channel['intake'], string>> = {
  hook: 'see `orgstream notification list`',
  poll: 'nothing yet',
};

function describe(channel: Channel): string {
  const { sender, oldHookSecretUntil, lastReceivedAt, intakeCode } = channel;
  const lines: readonly (readonly [string, string])[] = [
    ['state', sayStatus(channel)],
    ['ziik', channel.ziikUrl],
    ['sender', sender.name === null ? `${sender.id}` : `${sender.name} (${sender.id})`],
    ['intake', channel.intake === 'hook' ? `hook, ${channel.hookPath} at edge` : 'poll'],
    ...(oldHookSecretUntil === null ? [] : [['old secret', `taken until ${oldHookSecretUntil}`] as const]),
    ['received', `${lastReceivedAt ?? neverReceived[channel.intake]}${intakeCode === null ? '' : `; ${intakeCode}`}`],
    ['language', channel.defaultLanguage],
    ['max age', `${channel.maxAgeS / 3_600} h`],
    ['quiet', `${channel.quiet ? 'on' : 'off'}; during runs ${channel.quietDuringRuns ? 'on' : 'off'}`],
    ['since', channel.since],
    ['changed', `${channel.changedAt} by ${channel.changedBy ?? 'somebody'}`],
  ];
  return lines.map(([head, text]) => `${head.padEnd(11)}${text}`).join('\n');
}
