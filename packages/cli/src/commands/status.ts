import type { Command } from 'commander';
import type { Environment } from '../environment.ts';
import { print, table } from '../output.ts';
import { readStatus, type Status } from '@orgstream/status';

/** `status`: is everybody in step, and if not, where does it wait? */
export function addStatusCommand(program: Command, environment: () => Environment): void {
  program
    .command('status')
    .description('per tenant: people in step, outstanding, parked; lag of each hop; WAL the slots retain')
    .option('--json', 'as JSON, with a converged flag per integration', false)
    .action(async ({ json }: { json: boolean }) => {
      const env = environment();
      const status = await readStatus({ db: env.db(), kafka: env.kafka(), secrets: env.secrets() }, { waitMs: 3_000 });
      print(json ? JSON.stringify(status) : render(status, Date.now()));
    });
}

/** The status as text, for a person. */
export function render(status: Status, nowMs: number): string {
  const integrations = status.integrations.map((i) => [
    i.tenant,
    i.tenantName ?? '',
    i.enabled ? (i.code ?? i.state ?? 'new') : 'disabled',
    i.people.inStep,
    i.people.outstanding,
    i.people.parked,
    i.oldestWorkMs === null ? '' : `${Math.max(0, Math.round((nowMs - i.oldestWorkMs) / 1_000))} s`,
    i.converged ? 'yes' : 'no',
  ]);
  const sources = status.sources.map((s) => [
    s.name,
    s.code ?? s.state,
    bytes(s.lagBytes),
    bytes(s.retainedWalBytes),
    s.snapshotsOpen,
  ]);
  const parked = status.integrations.flatMap((i) =>
    Object.entries(i.parkedByCode).map(([code, n]) => [i.tenant, code, n]),
  );
  return [
    table(['tenant', 'name', 'state', 'in step', 'outstanding', 'parked', 'oldest work', 'converged'], integrations),
    ...(parked.length > 0 ? ['', table(['tenant', 'parked by', 'objects'], parked)] : []),
    '',
    table(['source', 'state', 'behind', 'WAL retained', 'open snapshots'], sources),
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

function bytes(value: number | null): string {
  if (value === null) return 'unknown';
  if (value < 1_024) return `${value} B`;
  return value < 1_048_576 ? `${Math.round(value / 1_024)} kB` : `${(value / 1_048_576).toFixed(1)} MB`;
}
