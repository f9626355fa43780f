import { AppError } from '@orgstream/core';
import type { Input } from '@orgstream/control-api';
import type { Command } from 'commander';
import { identifier } from '../arguments.ts';
import { settleRun, withWait, type WaitOptions } from '../asked.ts';
import { confirm, type Cli } from '../cli.ts';
import { integrationId, isGiven, withIntegration, type WhichIntegration } from '../control.ts';
import { leaf, type LeafText } from '../leaf.ts';
import { print, printJson } from '../output.ts';
import { describeRun, endWith, followRun } from '../run-wait.ts';

interface StartOptions extends WaitOptions, WhichIntegration {
  readonly person?: string;
  readonly unit?: string;
  readonly role?: string;
  readonly run?: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

type Kind = 'sync' | 'rebuild' | 'drift' | 'undo';

const texts: Readonly<Record<Kind, LeafText & { readonly waits: boolean }>> = {
  sync: {
    description: 'bring everything, or one object, into step; "Initiate synchronisation" while a gap report waits',
    notes: 'Applies by itself up to the brake. While a planned gap run is open it approves that one.',
    waits: false,
    examples: [
      ['sync --tenant eu1.42 --wait'],
      ['sync --tenant eu1.42 --person 7', 'one person'],
      ['sync --tenant eu1.42 --dry-run', 'what would it do?'],
    ],
  },
  rebuild: {
    description: 'forget all links and find them again, after a fresh snapshot; what is ours is known by its marker',
    waits: false,
    examples: [['rebuild --tenant eu1.42 --yes --wait']],
  },
  drift: {
    description: 'compare Learningbank with what was applied; the repair waits for approval',
    notes: 'Job profiles and permission types that are not ours are never drift.',
    waits: true,
    examples: [
      ['drift --tenant eu1.42 --dry-run', 'the report only: once a week, from a timer'],
      ['drift --tenant eu1.42', 'the repair as a plan'],
      ['drift --tenant eu1.42 --unit 12', 'of a unit, what is below it and who is in it'],
    ],
  },
  undo: {
    description: 'go back to what was before: of one object, or of everything that a run did; waits for approval',
    notes:
      'What has changed since is refused, object by object. Undone objects stay held until the source changes them.',
    waits: true,
    examples: [
      ['undo --tenant eu1.42 --person 7'],
      ['undo --tenant eu1.42 --run 0f8c2f0e-6c0b-4a56-9a3e-2c1d7f9b8a10 --yes'],
    ],
  },
};

/** `sync`, `rebuild`, `drift`, `undo`: each starts a run. */
export function addStartCommands(program: Command, cli: Cli): void {
  for (const kind of Object.keys(texts) as Kind[]) {
    const { waits, ...text } = texts[kind];
    const command = withWait(withIntegration(leaf(program, kind, text)), waits);
    // The sink rebuilds all of an integration, or nothing.
    if (kind !== 'rebuild') {
      command.option('--person <id>', 'only this person').option('--unit <id>', 'only this unit');
      command.option('--role <id>', 'only this role');
    }
    if (kind === 'undo') command.option('--run <id>', 'what this run did', identifier);
    if (kind === 'undo' || kind === 'rebuild') command.option('--yes', 'do not ask', false);
    // What a rebuild finds is known only once everything was forgotten.
    if (kind !== 'rebuild') command.option('--dry-run', 'plan and show, apply nothing', false);
    command.action(({ dryRun = false, ...options }: StartOptions) =>
      start(cli, kind, { ...options, dryRun }, options.wait ?? (waits || dryRun)),
    );
  }
}

/** Which of the four options says what the run is about. */
function scopeOf(kind: Kind, options: StartOptions): NonNullable<Input<'startRun'>['body']['scope']> {
  const { person, unit, role, run } = options;
  const given = Object.entries({ person, unit, role, run }).filter(([, value]) => isGiven(value));
  if (given.length > 1)
    throw new AppError('USAGE', `give only one of ${given.map(([name]) => `--${name}`).join(', ')}`);
  const [[what, id] = [undefined, undefined]] = given as [string, string][];
  if (what === undefined && kind === 'undo') throw new AppError('USAGE', 'give --person, --unit, --role or --run');
  if (what === 'run') return { run: id! };
  return what === undefined ? { all: true } : { kind: what as 'person' | 'unit' | 'role', id: id! };
}

const cautions: Partial<Record<Kind, string>> = {
  rebuild: 'forget all links of the integration and find them again',
  undo: 'plan to take back everything the run did',
};

async function start(cli: Cli, kind: Kind, options: StartOptions & { dryRun: boolean }, wait: boolean): Promise<void> {
  const scope = scopeOf(kind, options);
  const id = await integrationId(cli, options);
  const caution = kind === 'undo' && !('run' in scope) ? undefined : cautions[kind];
  if (caution !== undefined && !options.dryRun) await confirm(cli, caution, { yes: options.yes === true });
  const asked = await cli
    .control()
    .startRun({ params: { integration: id }, body: { kind, scope, dryRun: options.dryRun } });
  const run = await settleRun(cli, asked, options);
  if (run === null) throw new AppError('UNEXPECTED', `${kind} was taken, but no run is known`);
  if (wait) return endWith(cli, await followRun(cli, run, options), options);
  if (options.json) return printJson(run);
  print(`${describeRun(run)}\nfollow it: \`orgstream run watch ${run.id}\``);
}
