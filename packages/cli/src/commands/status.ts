import type { Status } from '@orgstream/control-api';
import { sleep } from '@orgstream/runtime';
import type { Command } from 'commander';
import { positive } from '../arguments.ts';
import type { Cli } from '../cli.ts';
import { leaf, type LeafOptions } from '../leaf.ts';
import { show, table } from '../output.ts';

interface StatusOptions extends LeafOptions {
  readonly watch: boolean;
  readonly interval: number;
}

/** `status`: is everybody in step, and if not, where does it wait? */
export function addStatusCommand(program: Command, cli: Cli): void {
  leaf(program, 'status', {
    description: 'per integration: people in step, outstanding, held, parked; lag of each hop; WAL the slots retain',
    notes:
      '`converged` = everything committed at the source before the question is at the target, but for what is parked or held.',
    examples: [
      ['status'],
      ['status --watch', 'until Ctrl-C'],
      ['status --json | jq ".integrations[] | select(.converged | not)"'],
    ],
  })
    .option('--watch', 'again and again, until Ctrl-C; with --json a line each time', false)
    .option('--interval <seconds>', 'with --watch: time between two looks', positive, 2)
    .action(async (options: StatusOptions) => {
      const look = (): Promise<Status> => cli.control().getStatus({ query: { waitMs: 3_000 }, signal: cli.signal });
      if (!options.watch) return say(await look(), options.json);
      while (!cli.signal.aborted) {
        const status = await look();
        // Clears the screen, as `watch` does.
        if (process.stdout.isTTY && !options.json) process.stdout.write('\x1b[2J\x1b[H');
        say(status, options.json);
        await sleep(options.interval * 1_000, cli.signal);
      }
    });
}

const say = (status: Status, json: boolean): void => show(status, { json }, () => render(status, Date.now()));

/** The status as text, for a person. */
export function render(status: Status, nowMs: number): string {
  return [
    ...(status.stop.stopped ? [stopLine(status.stop), ''] : []),
    table(
      ['tenant', 'name', 'state', 'in step', 'outstanding', 'held', 'parked', 'gap', 'oldest work', 'converged'],
      status.integrations.map((one) => row(one, nowMs)),
    ),
    ...codes(status),
    ...tripped(status),
    ...runs(status),
    ...channels(status, nowMs),
    ...logins(status),
    '',
    table(
      ['source', 'state', 'behind', 'WAL retained', 'open snapshots'],
      status.sources.map((s) => [
        s.name,
        s.code ?? s.state,
        bytes(s.lagBytes),
        bytes(s.retainedWalBytes),
        s.snapshotsOpen,
      ]),
    ),
    '',
    table(
      ['hop', 'records behind'],
      [
        ['normalizer', status.lag.normalizerRecords ?? 'unknown'],
        ['sink ingest', status.lag.ingestRecords ?? 'unknown'],
      ],
    ),
  ].join('\n');
}

type One = Status['integrations'][number];

function row(one: One, nowMs: number): readonly (string | number)[] {
  const { inStep, outstanding, parked } = one.people;
  const oldest = since(one.oldestWorkMs, nowMs);
  const converged = one.converged ? 'yes' : 'no';
  return [
    one.tenant,
    one.tenantName ?? '',
    stateOf(one),
    inStep,
    outstanding,
    one.held,
    parked,
    one.gap,
    oldest,
    converged,
  ];
}

const since = (atMs: number | null, nowMs: number): string =>
  atMs === null ? '' : `${Math.max(0, Math.round((nowMs - atMs) / 1_000))} s`;

/** What an operator has switched goes before what the sink has found. */
function stateOf({ enabled, paused, shadow, code, state }: One): string {
  if (!enabled) return 'disabled';
  if (code !== null) return code;
  if (paused) return 'paused';
  return shadow ? 'shadow' : (state ?? 'new');
}

const stopLine = ({ reason, changedBy, changedAt }: Status['stop']): string =>
  `STOPPED by ${changedBy ?? 'somebody'} at ${changedAt}${reason === null ? '' : ` (${reason})`}: nothing is sent; \`orgstream resume --all\` ends it`;

function codes({ integrations }: Status): readonly string[] {
  const rows = integrations.flatMap((i) => [
    ...Object.entries(i.parkedByCode).map(([code, n]) => [i.tenant, 'parked', code, n]),
    ...Object.entries(i.heldByCode).map(([code, n]) => [i.tenant, 'held', code, n]),
  ]);
  return rows.length === 0 ? [] : ['', table(['tenant', 'state', 'by', 'objects'], rows)];
}

function tripped({ integrations }: Status): readonly string[] {
  const rows = integrations.flatMap((i) =>
    i.brakes.map((b) => [i.tenant, b.kind, b.operation, b.applied, b.pending, b.allowed]),
  );
  if (rows.length === 0) return [];
  const head = ['tenant', 'brake tripped', 'operation', 'applied', 'pending', 'allowed'];
  const looks = integrations
    .filter(({ brakes }) => brakes.length > 0)
    .map((one) => `look: \`orgstream objects ${which(one, integrations)} --state held\``);
  return [
    '',
    table(head, rows),
    ...looks,
    'then `orgstream objects approve` or `reject`, with objects, `--operation` or `--all`',
  ];
}

/** How a command names it: a tenant may have several. */
function which({ id, tenant }: One, all: readonly One[]): string {
  return all.some((other) => other.tenant === tenant && other.id !== id) ? `--integration ${id}` : `--tenant ${tenant}`;
}

function runs({ integrations }: Status): readonly string[] {
  const rows = integrations.flatMap(({ tenant, openRun }) =>
    openRun === null
      ? []
      : [
          [
            tenant,
            openRun.kind,
            openRun.needsApproval ? `${openRun.state}, waits for approval` : openRun.state,
            openRun.id,
          ],
        ],
  );
  return rows.length === 0 ? [] : ['', table(['tenant', 'open run', 'state', 'id'], rows)];
}

function channels({ integrations }: Status, nowMs: number): readonly string[] {
  const rows = integrations.flatMap(({ tenant, channel }) => {
    if (channel === null) return [];
    const { state, code, queued, held, oldestQueuedMs } = channel;
    return [[tenant, code === null ? state : `${state}: ${code}`, queued, held, since(oldestQueuedMs, nowMs)]];
  });
  return rows.length === 0 ? [] : ['', table(['tenant', 'chat', 'on their way', 'wait for quiet', 'oldest'], rows)];
}

/** Only what wants a look: logins that are off, and refusals of the last hour. */
function logins({ integrations }: Status): readonly string[] {
  const rows = integrations.flatMap(({ tenant, login }) => {
    const codes = Object.entries(login.refusedByCode).map(([code, n]) => `${n} ${code}`);
    if (login.enabled && login.refusedLastHour === 0) return [];
    return [[tenant, login.enabled ? 'on' : 'off', login.refusedLastHour, codes.join(', ')]];
  });
  return rows.length === 0 ? [] : ['', table(['tenant', 'login', 'refused in the last hour', 'by'], rows)];
}

function bytes(value: number | null): string {
  if (value === null) return 'unknown';
  if (value < 1_024) return `${value} B`;
  return value < 1_048_576 ? `${Math.round(value / 1_024)} kB` : `${(value / 1_048_576).toFixed(1)} MB`;
}
