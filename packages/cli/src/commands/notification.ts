import type { Notification } from '@orgstream/control-api';
import { notificationStates } from '@orgstream/control-api';
import { Option, type Command } from 'commander';
import { personId, positive } from '../arguments.ts';
import { settleCommand, withWait, type WaitOptions } from '../asked.ts';
import type { Cli } from '../cli.ts';
import { aboutIntegration, allItems, from, paramsOf } from '../control.ts';
import { exitCodes } from '../exit-codes.ts';
import { group, leaf, type LeafOptions } from '../leaf.ts';
import { print, printJson, show, showRows } from '../output.ts';
import { poll } from '../poll.ts';
import { addNotificationTypeCommands } from './notification-type.ts';

/** `notification types|set|preview|test|list|show|retry`. */
export function addNotificationCommands(program: Command, cli: Cli): void {
  const notification = group(
    program,
    'notification',
    'notifications: their types and texts, what was sent, and why not',
  );
  addNotificationTypeCommands(notification, cli);
  addTest(notification, cli);
  addList(notification, cli);
  addShow(notification, cli);
  addRetry(notification, cli);
}

function addTest(notification: Command, cli: Cli): void {
  withWait(
    aboutIntegration(
      leaf(notification, 'test', {
        description:
          'send a test message to one person, by way of the ledger as any other; ends with 1 unless it was sent',
        examples: [
          ['notification test eu1.42 --person 7'],
          ['notification test eu1.42 --person 7 --type module.assigned', 'its text, with samples'],
        ],
      }),
    ),
    true,
  )
    .requiredOption('--person <id>', "the person's id in Ziik", personId)
    .option('--type <type>', 'the text of this type; left out: a line that says it is a test')
    .action(async (text: string, options: WaitOptions & { person: string; type?: string }) => {
      const { person, type } = options;
      const params = await paramsOf(cli, text);
      const body = { person, ...(type === undefined ? {} : { type }) };
      const asked = await cli.control().testNotification({ params, body });
      const done = await settleCommand(cli, asked, { ...options, what: 'the test message' });
      const no = (done?.result as { readonly notification?: unknown } | null | undefined)?.notification;
      if (typeof no !== 'number' || options.wait === false) {
        return show(done ?? asked, options, () => `asked for, command ${asked.command}`);
      }
      const ended = await untilEnded(cli, { ...params, notification: no }, options);
      if (ended.state !== 'sent') cli.finish(exitCodes.failed);
      show(ended, options, describe);
    });
}

/** The ledger says what became of it: queued is not sent. */
function untilEnded(
  cli: Cli,
  params: { readonly integration: string; readonly notification: number },
  { timeout }: WaitOptions,
): Promise<Notification> {
  return poll(() => cli.control().getNotification({ params, signal: cli.signal }), {
    done: ({ endedAt }) => endedAt !== null,
    what: `notification ${params.notification}`,
    timeoutSeconds: timeout,
    signal: cli.signal,
  });
}

interface ListOptions extends LeafOptions {
  readonly state?: Notification['state'];
  readonly code?: string;
  readonly type?: string;
  readonly receiver?: string;
  readonly person?: string;
  readonly limit: number;
}

function addList(notification: Command, cli: Cli): void {
  aboutIntegration(
    leaf(notification, 'list', {
      description: 'the ledger: what was sent, what is on its way, and why not; newest first',
      examples: [
        ['notification list eu1.42'],
        ['notification list eu1.42 --state skipped --code RECEIVER_UNKNOWN'],
        ['notification list eu1.42 --person 7 --json'],
      ],
    }),
  )
    .addOption(new Option('--state <state>', 'only in this state').choices(notificationStates))
    .option('--code <code>', 'only with this code')
    .option('--type <type>', 'only of this type')
    .option('--receiver <id>', 'only to this Learningbank user')
    .option('--person <id>', 'only to this person of Ziik', personId)
    .option('--limit <number>', 'entries at most', positive, 100)
    .action(async (text: string, { limit, json, ...filter }: ListOptions) => {
      const params = await paramsOf(cli, text);
      const page = Math.min(limit, 500);
      const rows = await allItems(
        (cursor) => cli.control().listNotifications({ params, query: { ...filter, limit: page, ...from(cursor) } }),
        limit,
      );
      const head = ['no', 'received', 'type', 'receiver', 'person', 'state', 'code', 'attempts'];
      showRows(rows, { json, none: 'nothing in the ledger' }, head, (n) => [
        `${n.no}`,
        n.receivedAt,
        n.isTest ? `${n.type} (test)` : n.type,
        n.receiver,
        sayPerson(n),
        n.state,
        n.code ?? '',
        n.attempts,
      ]);
    });
}

function addShow(notification: Command, cli: Cli): void {
  aboutIntegration(
    leaf(notification, 'show', {
      description: 'one notification of the ledger, by its number there',
      examples: [['notification show eu1.42 1031']],
    }),
  )
    .argument('<no>', 'its number, as `notification list` shows it', positive)
    .action(async (text: string, no: number, options: LeafOptions) => {
      const params = { ...(await paramsOf(cli, text)), notification: no };
      show(await cli.control().getNotification({ params }), options, describe);
    });
}

function addRetry(notification: Command, cli: Cli): void {
  withWait(
    aboutIntegration(
      leaf(notification, 'retry', {
        description: 'queue what failed or was skipped again, unless it may have been sent or is too old',
        examples: [['notification retry eu1.42 1031']],
      }),
    ),
    true,
  )
    .argument('<no>', 'its number, as `notification list` shows it', positive)
    .action(async (text: string, no: number, options: WaitOptions) => {
      const params = { ...(await paramsOf(cli, text)), notification: no };
      const asked = await cli.control().retryNotification({ params });
      const done = await settleCommand(cli, asked, { ...options, what: 'queueing it again' });
      if (options.json) return printJson(done ?? asked);
      print(done ? `notification ${no} is queued again` : `asked for, command ${asked.command}`);
    });
}

const sayPerson = ({ person, name }: Pick<Notification, 'person' | 'name'>): string =>
  person === null ? '' : name === null ? person : `${person} (${name})`;

function describe(n: Notification): string {
  const lines: readonly (readonly [string, string | null])[] = [
    ['no', `${n.no}`],
    ['id', `${n.id} at Learningbank`],
    ['type', n.type],
    ['receiver', n.receiver],
    ['person', sayPerson(n) || 'nobody was found yet'],
    ['state', n.code === null ? n.state : `${n.state}: ${n.code}`],
    ['attempts', `${n.attempts}`],
    ['occurred', n.occurredAt],
    ['received', n.receivedAt],
    ['next', n.nextAt],
    ['ended', n.endedAt],
    ['language', n.language],
    ['conversation', n.conversation === null ? null : `${n.conversation}, messages ${n.messages.join(', ') || 'none'}`],
    ['warnings', n.warnings.join('; ') || null],
  ];
  return lines.flatMap(([head, text]) => (text === null ? [] : [`${head.padEnd(14)}${text}`])).join('\n');
}
