import {
  AppError,
  runKinds,
  runStates,
  runItemStates,
  type Operation,
  type RunKind,
  type RunState,
} from '@orgstream/core';
import type { Input, Run, RunItem } from '@orgstream/control-api';
import { Option, type Command } from 'commander';
import { identifier, operation, positive, references, type Reference } from '../arguments.ts';
import { settleRun } from '../asked.ts';
import type { Cli } from '../cli.ts';
import { allItems, from, integrationId, withIntegration, type WhichIntegration } from '../control.ts';
import { group, leaf, type LeafOptions } from '../leaf.ts';
import { print, printJson, show, showRows } from '../output.ts';
import { createProgress } from '../progress.ts';
import { describeRun, endWith, followRun } from '../run-wait.ts';

const someRun = '0f8c2f0e-6c0b-4a56-9a3e-2c1d7f9b8a10';

/** `run list|show|watch|items|approve|reject|pause|resume|cancel`. */
export function addRunCommands(program: Command, cli: Cli): void {
  const run = group(program, 'run', 'runs: what bulk work plans, waits for and applies');
  addList(run, cli);
  addShow(run, cli);
  addItems(run, cli);
  addDecisions(run, cli);
}

interface ListOptions extends LeafOptions, WhichIntegration {
  readonly kind?: RunKind;
  readonly state?: RunState;
  readonly limit: number;
}

function addList(run: Command, cli: Cli): void {
  withIntegration(
    leaf(run, 'list', {
      description: 'runs, newest first; without --integration or --tenant of all integrations, and replays of topics',
      examples: [['run list --tenant eu1.42'], ['run list --state planned', 'what waits for approval']],
    }),
  )
    .addOption(new Option('--kind <kind>', 'only of this kind').choices(runKinds))
    .addOption(new Option('--state <state>', 'only in this state').choices(runStates))
    .option('--limit <number>', 'runs at most', positive, 50)
    .action(async (options: ListOptions) => {
      const runs = (await runsOf(cli, options)).slice(0, options.limit);
      const none = 'no such run';
      showRows(runs, { ...options, none }, ['id', 'tenant', 'kind', 'state', 'objects', 'done', 'created'], (r) => [
        r.id,
        r.tenant ?? 'all',
        r.kind,
        r.paused ? `${r.state}, paused` : (r.code ?? r.state),
        r.counts['items'] ?? r.progress.total ?? 0,
        r.progress.done ?? 0,
        r.createdAt,
      ]);
    });
}

async function runsOf(cli: Cli, options: ListOptions): Promise<readonly Run[]> {
  const control = cli.control();
  const { kind, state, limit } = options;
  const query = { limit: Math.min(limit, 500), ...(kind ? { kind } : {}), ...(state ? { state } : {}) };
  const one = options.integration ?? options.tenant;
  const ids =
    one === undefined
      ? (await allItems((cursor) => control.listIntegrations({ query: from(cursor) }))).map(({ id }) => id)
      : [await integrationId(cli, options)];
  const runs: Run[] = [];
  for (const integration of ids) {
    const params = { integration };
    runs.push(
      ...(await allItems((cursor) => control.listRuns({ params, query: { ...query, ...from(cursor) } }), limit)),
    );
  }
  if (one === undefined && (kind === undefined || kind === 'replay')) {
    const replays = await allItems((cursor) => control.listReplays({ query: from(cursor) }), limit);
    runs.push(...replays.filter((replay) => state === undefined || replay.state === state));
  }
  return runs.toSorted((a, b) => b.createdAt.localeCompare(a.createdAt));
}

function addShow(run: Command, cli: Cli): void {
  about(
    leaf(run, 'show', {
      description: 'one run: its plan in counts, how far it has come, what it waits for',
      examples: [[`run show ${someRun}`]],
    }),
  ).action(async (id: string, options: LeafOptions) => {
    show(await cli.control().getRun({ params: { run: id } }), options, describeRun);
  });
  about(
    leaf(run, 'watch', {
      description: 'follow a run until it ends, waits for approval, or only held objects are left',
      notes: 'A bar on a terminal, lines elsewhere; with --json the run as one line each time it changes.',
      examples: [[`run watch ${someRun}`], [`run watch ${someRun} --json`]],
    }),
  )
    .option('--timeout <seconds>', 'follow it this long at most', positive, 86_400)
    .action((id: string, options: LeafOptions & { timeout: number }) => watch(cli, id, options));
}

async function watch(cli: Cli, id: string, options: LeafOptions & { readonly timeout: number }): Promise<void> {
  const run = await cli.control().getRun({ params: { run: id } });
  if (!options.json) {
    const progress = createProgress({ write: print, out: process.stdout });
    return endWith(cli, await followRun(cli, run, { ...options, progress }), options);
  }
  let last = '';
  const say = (now: Run): void => {
    const text = JSON.stringify(now);
    if (text !== last) printJson(now);
    last = text;
  };
  const lines = { update: () => {}, stop: () => {} };
  const end = await followRun(cli, run, { ...options, progress: lines, onRun: say });
  endWith(cli, end, { json: true, quiet: true });
}

const about = (command: Command): Command => command.argument('<run>', 'its id', identifier);

interface ItemOptions extends LeafOptions {
  readonly state?: RunItem['state'];
  readonly operation?: Operation;
  readonly kind?: RunItem['kind'];
  readonly code?: string;
  readonly limit: number;
}

function addItems(run: Command, cli: Cli): void {
  about(
    leaf(run, 'items', {
      description: 'what a run does, object by object, with before and after',
      examples: [[`run items ${someRun} --operation deactivate`], [`run items ${someRun} --state held --json`]],
    }),
  )
    .addOption(new Option('--state <state>', 'only in this state').choices(runItemStates))
    .option('--operation <operation>', 'only with this operation', operation)
    .addOption(new Option('--kind <kind>', 'only of this kind').choices(['person', 'unit', 'role']))
    .option('--code <code>', 'only with this code')
    .option('--limit <number>', 'items at most', positive, 200)
    .action(async (id: string, options: ItemOptions) => {
      const { state, operation: op, kind, code, limit } = options;
      const query = {
        limit: Math.min(limit, 500),
        ...(state ? { state } : {}),
        ...(op ? { operation: op } : {}),
        ...(kind ? { kind } : {}),
        ...(code ? { code } : {}),
      };
      const items = await allItems(
        (cursor) => cli.control().listRunItems({ params: { run: id }, query: { ...query, ...from(cursor) } }),
        limit,
      );
      showRows(
        items,
        { ...options, none: 'no such item' },
        ['object', 'name', 'operations', 'state', 'change'],
        itemRow,
      );
    });
}

const itemRow = (item: RunItem): readonly string[] => [
  `${item.kind}/${item.id}`,
  item.name ?? '',
  item.operations.join(','),
  item.code ?? item.state,
  changeOf(item),
];

/** The fields that differ, before and after. */
export function changeOf({ before, after }: Pick<RunItem, 'before' | 'after'>): string {
  const names = new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})]);
  return [...names]
    .map((name) => [name, JSON.stringify(before?.[name] ?? null), JSON.stringify(after?.[name] ?? null)] as const)
    .filter(([, was, is]) => was !== is)
    .map(([name, was, is]) => (before === null ? `${name}: ${is}` : `${name}: ${was} -> ${is}`))
    .join(', ');
}

type DecisionName = Input<'decideRun'>['body']['decision'];
const decisions: Readonly<Record<DecisionName, string>> = {
  approve: 'apply it; with --item or --operation only these',
  reject: 'never apply it as it is now; with --item or --operation only these',
  pause: 'stop applying it; what is under way is finished',
  resume: 'go on with a paused run',
  cancel: 'end it; what was applied stays applied',
};

interface DecisionOptions extends LeafOptions {
  readonly item?: readonly Reference[];
  readonly operation?: Operation;
}

function addDecisions(run: Command, cli: Cli): void {
  for (const [name, description] of Object.entries(decisions) as [DecisionName, string][]) {
    const some = name === 'approve' || name === 'reject';
    const examples = [
      [`run ${name} ${someRun}`],
      ...(some
        ? [[`run ${name} ${someRun} --operation rename`], [`run ${name} ${someRun} --item person/7 unit/12`]]
        : []),
    ] as [string][];
    const command = about(leaf(run, name, { description, examples }));
    if (some) {
      command
        .option(
          '--item <kind/id...>',
          'only these; person/7@<hash> is refused when the item is another now',
          references,
        )
        .option('--operation <operation>', 'only items with this operation', operation);
    }
    command.action((id: string, options: DecisionOptions) => decide(cli, id, name, options));
  }
}

async function decide(cli: Cli, id: string, decision: DecisionName, options: DecisionOptions): Promise<void> {
  if (options.item !== undefined && options.operation !== undefined) {
    throw new AppError('USAGE', 'give either --item or --operation');
  }
  const asked = await cli.control().decideRun({
    params: { run: id },
    body: {
      decision,
      ...(options.item === undefined ? {} : { items: [...options.item] }),
      ...(options.operation === undefined ? {} : { operation: options.operation }),
    },
  });
  const run = (await settleRun(cli, asked, { timeout: 60 })) ?? (await cli.control().getRun({ params: { run: id } }));
  show(run, options, describeRun);
}
