import type { Channel, ChannelStatus } from '@orgstream/control-api';
import type { ChannelRow, Knex } from '@orgstream/database';
import { iso } from './sql.ts';

interface StatusRow {
  readonly integration: string;
  readonly tenant: string;
  readonly enabled: boolean;
  readonly quiet: boolean;
  readonly state: 'working' | 'quiet' | 'stopped' | null;
  readonly code: string | null;
  readonly message: string | null;
  readonly queued: number;
  readonly moving: number;
  readonly oldest: Date | null;
}

/** What is open of the ledger is few, and has an index. */
const statusSelect = /* sql */ `
  select c.integration_id as integration, i.tenant, c.enabled, c.quiet, s.state, s.code, s.message,
         coalesce(n.queued, 0) as queued, coalesce(n.moving, 0) as moving, n.oldest
    from control.channel c
    join control.integration i on i.id = c.integration_id
    left join bridge.channel_state s on s.integration_id = c.integration_id
    left join (select integration_id, count(*) filter (where state = 'queued')::int as queued,
                      count(*) filter (where state <> 'queued')::int as moving, min(received_at) as oldest
                 from bridge.notification where state in ('queued', 'sending', 'unknown') group by integration_id) n
      on n.integration_id = c.integration_id`;

/** Status of the channels of these tenants (null = all), with the tenant each belongs to. */
export async function readChannelStatuses(
  db: Knex,
  tenants: readonly string[] | null,
): Promise<readonly { readonly tenant: string; readonly status: ChannelStatus }[]> {
  const { rows } = await db.raw<{ rows: StatusRow[] }>(
    `${statusSelect} where cast(:tenants as text[]) is null or i.tenant = any(cast(:tenants as text[]))
      order by i.created_at, i.id`,
    { tenants: tenants ? [...tenants] : null },
  );
  return rows.map((row) => ({ tenant: row.tenant, status: toStatus(row) }));
}

function toStatus(row: StatusRow): ChannelStatus {
  const { integration, code, message, queued, moving, oldest } = row;
  const state = stateOf(row);
  const isQuiet = state === 'quiet';
  return {
    integration,
    state,
    code,
    message,
    queued: moving + (isQuiet ? 0 : queued),
    held: isQuiet ? queued : 0,
    oldestQueuedMs: oldest?.getTime() ?? null,
  };
}

/** The switches are looked at first: the bridge tells what it found when it last looked. */
function stateOf({ enabled, quiet, state }: StatusRow): ChannelStatus['state'] {
  if (!enabled) return 'off';
  if (state === 'stopped') return 'stopped';
  return quiet ? 'quiet' : (state ?? 'idle');
}

interface ViewRow extends ChannelRow {
  readonly sender_name: string | null;
  readonly received_at: Date | null;
  readonly intake_code: string | null;
}

/** The channel as it is shown; undefined when there is none. */
export async function readChannelView(db: Knex, integration: string): Promise<Channel | undefined> {
  const [{ rows }, status] = await Promise.all([
    db.raw<{ rows: ViewRow[] }>(
      `select c.*, nullif(trim(concat_ws(' ', p.first_name, p.last_name)), '') as sender_name,
              e.received_at, e.code as intake_code
         from control.channel c
         join control.integration i on i.id = c.integration_id
         left join sink.person p on p.tenant = i.tenant and p.id = c.sender_id::text
         left join edge.intake e on e.integration_id = c.integration_id
        where c.integration_id = ?`,
      [integration],
    ),
    db.raw<{ rows: StatusRow[] }>(`${statusSelect} where c.integration_id = ?`, [integration]),
  ]);
  const [row, state] = [rows[0], status.rows[0]];
  return row && state && toChannel(row, toStatus(state));
}

function toChannel(row: ViewRow, status: ChannelStatus): Channel {
  const isOldGood = row.old_hook_secret_until !== null && row.old_hook_secret_until.getTime() > Date.now();
  return {
    integration: row.integration_id,
    version: row.version,
    enabled: row.enabled,
    ziikUrl: row.ziik_url,
    sender: { id: Number(row.sender_id), name: row.sender_name },
    intake: row.intake,
    hookPath: `/hooks/learningbank/${row.integration_id}`,
    oldHookSecretUntil: isOldGood ? iso(row.old_hook_secret_until) : null,
    conversations: row.conversations,
    defaultLanguage: row.default_language,
    maxAgeS: row.max_age_s,
    quiet: row.quiet,
    quietDuringRuns: row.quiet_during_runs,
    since: row.since.toISOString(),
    changedBy: row.changed_by,
    changedAt: row.changed_at.toISOString(),
    lastReceivedAt: iso(row.received_at),
    intakeCode: row.intake_code,
    status,
  };
}
