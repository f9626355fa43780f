import { AppError, type Operation } from '@orgstream/core';
import { objectStates, type Input, type ObjectSummary } from '@orgstream/control-api';
import { Option, type Command } from 'commander';
import { operation, positive, references, type Reference } from '../arguments.ts';
import { settleCommand, withWait, type WaitOptions } from '../asked.ts';
import type { Cli } from '../cli.ts';
import { allItems, from, integrationId, withIntegration, type WhichIntegration } from '../control.ts';
import { exitCodes } from '../exit-codes.ts';
import { group, leaf, type LeafOptions, type LeafText } from '../leaf.ts';
import { print, printJson, showRows } from '../output.ts';
import { sayActed } from '../say-result.ts';

/** `objects`, and `objects approve|reject|release|retry|adopt|create-new|ignore|move-link|detach`. */
export function addObjectsCommands(program: Command, cli: Cli): void {
  const objects = group(
    program,
    'objects',
    'people, units and roles of an integration: held, parked, match cases, in step',
  );
  addList(objects, cli);
  for (const action of actions) addAction(objects, action, cli);
}

interface ListOptions extends LeafOptions, WhichIntegration {
  readonly state?: ObjectSummary['state'];
  readonly kind?: ObjectSummary['kind'];
  readonly code?: string;
  readonly operation?: Operation;
  readonly text?: string;
  readonly limit: number;
}

function addList(objects: Command, cli: Cli): void {
  withIntegration(
    objects
      .command('list', { isDefault: true })
      .description('objects of an integration; `orgstream objects` alone does the same')
      .option('--json', 'as JSON, for scripts', false)
      .addHelpText(
        'after',
        '\nExamples:\n  orgstream objects --tenant eu1.42 --state held\n  orgstream objects --tenant eu1.42 --state conflict --code REHIRE\n  orgstream objects --tenant eu1.42 --text nielsen\n',
      ),
  )
    .addOption(new Option('--state <state>', 'only in this state').choices(objectStates))
    .addOption(new Option('--kind <kind>', 'only of this kind').choices(['person', 'unit', 'role']))
    .option('--code <code>', 'only with this code, for example EMAIL_MISSING')
    .option('--operation <operation>', 'only held or outstanding for this operation', operation)
    .option('--text <text>', 'source id, or part of a name or an e-mail')
    .option('--limit <number>', 'objects at most', positive, 200)
    .action(async (options: ListOptions) => {
      const params = { integration: await integrationId(cli, options) };
      const control = cli.control();
      const { state, kind, code, operation: op, text, limit } = options;
      const query = {
        limit: Math.min(limit, 500),
        ...(state ? { state } : {}),
        ...(kind ? { kind } : {}),
        ...(code ? { code } : {}),
        ...(op ? { operation: op } : {}),
        ...(text ? { text } : {}),
      };
      const items = await allItems(
        (cursor) => control.listObjects({ params, query: { ...query, ...from(cursor) } }),
        limit,
      );
      const head = ['object', 'name', 'state', 'code', 'operations', 'target', 'since', 'hash'];
      showRows(items, { ...options, none: 'no such object' }, head, row);
    });
}

const row = (o: ObjectSummary): readonly string[] => [
  `${o.kind}/${o.id}`,
  o.name ?? '',
  o.lane === 'gap' && o.state === 'ready' ? 'gap' : o.state,
  o.code ?? '',
  o.operations.join(','),
  o.targetId === null ? '' : String(o.targetId),
  o.since ?? '',
  o.hash ?? '',
];

type ActionName = Input<'actOnObjects'>['body']['action'];

interface ActionSpec extends LeafText {
  readonly action: ActionName;
  /** `some`: objects, or --operation, or --all. `each`: objects only. `one`: one object, with --target. */
  readonly takes: 'some' | 'each' | 'one';
}

const spec = (action: ActionName, takes: ActionSpec['takes'], description: string, ...lines: string[]): ActionSpec => ({
  action,
  takes,
  description,
  examples: lines.map((line) => [`objects ${action.replace('_', '-')} ${line}`] as const),
});

const actions: readonly ActionSpec[] = [
  spec(
    'approve',
    'some',
    'let what is held go, as it is desired now',
    'person/7 --tenant eu1.42',
    '--operation deactivate --tenant eu1.42',
  ),
  spec(
    'reject',
    'some',
    'hold it until the source wants something else',
    'person/7@1f0c9a2b --tenant eu1.42',
    '--all --tenant eu1.42',
  ),
  spec('release', 'some', 'let go of what was undone, rejected or ignored', 'person/7 unit/12 --tenant eu1.42'),
  spec('retry', 'some', 'try what is parked again, now', 'person/7 --tenant eu1.42', '--all --tenant eu1.42'),
  spec('adopt', 'one', 'match case: this object at Learningbank is the one', 'person/7 --target 1042 --tenant eu1.42'),
  spec('create_new', 'each', 'match case: none of those; create another', 'person/7 --tenant eu1.42'),
  spec('ignore', 'each', 'leave it alone until it is released', 'person/7 --tenant eu1.42'),
  spec(
    'move_link',
    'one',
    'link it to another object at Learningbank; the object it was linked to is let go of',
    'person/7 --target 1042 --tenant eu1.42',
  ),
  spec('detach', 'each', 'forget its link; the object at Learningbank is left as it is', 'person/7 --tenant eu1.42'),
];

interface ActionOptions extends WaitOptions, WhichIntegration {
  readonly operation?: Operation;
  readonly all?: boolean;
  readonly target?: number;
}

function addAction(objects: Command, action: ActionSpec, cli: Cli): void {
  const argument = action.takes === 'some' ? '[objects...]' : action.takes === 'one' ? '<object>' : '<objects...>';
  const command = withWait(withIntegration(leaf(objects, action.action.replace('_', '-'), action)), true).argument(
    argument,
    'person/7, unit/12, role/3; with @<hash> it is refused when it is another now',
    action.takes === 'one' ? (text: string) => references(text) : references,
  );
  if (action.takes === 'some') {
    command.option('--operation <operation>', 'all that are held for this operation', operation);
    command.option('--all', 'all that it can be done to');
  }
  if (action.action === 'adopt') command.requiredOption('--target <id>', 'the object at Learningbank', positive);
  if (action.action === 'move_link')
    command.option('--target <id>', 'the object at Learningbank; left out: the one it matched', positive);
  command.action((given: readonly Reference[] | undefined, options: ActionOptions) =>
    act(cli, action, given ?? [], options),
  );
}

async function act(cli: Cli, spec: ActionSpec, given: readonly Reference[], options: ActionOptions): Promise<void> {
  const ways = [given.length > 0, options.operation !== undefined, options.all === true].filter(Boolean).length;
  if (ways !== 1) throw new AppError('USAGE', 'give objects (person/7 …), or --operation, or --all');
  const params = { integration: await integrationId(cli, options) };
  const asked = await cli.control().actOnObjects({
    params,
    body: {
      action: spec.action,
      ...(given.length > 0 ? { objects: [...given] } : {}),
      ...(options.operation === undefined ? {} : { operation: options.operation }),
      ...(options.all === true ? { all: true as const } : {}),
      ...(options.target === undefined ? {} : { targetId: options.target }),
    },
  });
  const done = await settleCommand(cli, asked, { ...options, what: spec.action });
  if (done && sayActed(spec.action, done.result).refused > 0) cli.finish(exitCodes.failed);
  if (options.json) return printJson(done ?? { command: asked.command });
  const what = spec.action.replace('_', '-');
  if (!done) return print(`${what} asked for, command ${asked.command}`);
  print(sayActed(what, done.result).text);
}
