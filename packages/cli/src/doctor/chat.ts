import { codes, manualOf, type ErrorCode } from '@orgstream/core';
import type { Knex } from '@orgstream/database';
import type { Check } from './check.ts';
import { broken, ok, remedyOf, warning, type Finding } from './finding.ts';

/** edge looks at every channel within seconds, and reads the types every ten minutes. */
const TYPES_SILENT_MINUTES = 30;
/** Longer than a queue of one tenant takes at any sane rate; what waits for quiet is told apart. */
const LATE_MINUTES = 15;

/** A channel as its tables have it. */
export interface ChannelFacts {
  readonly integration: string;
  readonly tenant: string;
  readonly enabled: boolean;
  readonly intake: 'hook' | 'poll';
  readonly quiet: boolean;
  /** The integration is disabled, paused or in shadow mode, or all sending is stopped: told elsewhere. */
  readonly rests: boolean;
  readonly state: 'working' | 'quiet' | 'stopped' | null;
  readonly code: string | null;
  readonly message: string | null;
  readonly intakeCode: string | null;
  readonly typesReadMinutes: number | null;
  readonly queued: number;
  readonly oldestMinutes: number | null;
  readonly failedToday: number;
}

/** Each Ziik channel: stopped, quiet, its intake, what waits for long, what failed. */
export const chatCheck: Check = {
  area: 'chat',
  deadlineMs: 8_000,
  remedy: 'check Postgres and DATABASE_URL',
  async run(environment) {
    const channels = await readChannels(environment.db());
    if (channels.length === 0) return [ok('there is no Ziik channel; `orgstream channel set` makes one')];
    return channels.flatMap(checkChannel);
  },
};

async function readChannels(db: Knex): Promise<readonly ChannelFacts[]> {
  const { rows } = await db.raw<{ rows: ChannelFacts[] }>(/* sql */ `
    select c.integration_id as integration, i.tenant, c.enabled, c.intake, c.quiet, t.stopped or not i.enabled or i.paused or i.shadow as rests, s.state, s.code, s.message,
           e.code as "intakeCode", (extract(epoch from now() - e.types_read_at) / 60)::float8 as "typesReadMinutes",
           coalesce(n.queued, 0) as queued, n.oldest as "oldestMinutes", coalesce(n.failed, 0) as "failedToday"
      from control.channel c join control.integration i on i.id = c.integration_id
      cross join control.stop t
      left join bridge.channel_state s on s.integration_id = c.integration_id
      left join edge.intake e on e.integration_id = c.integration_id
      left join (select integration_id,
                        count(*) filter (where ended_at is null)::int as queued,
                        (extract(epoch from now() - min(received_at) filter (where ended_at is null)) / 60)::float8 as oldest,
                        count(*) filter (where state = 'failed' and ended_at > now() - interval '1 day')::int as failed
                   from bridge.notification group by integration_id) n on n.integration_id = c.integration_id
     order by i.tenant, i.id`);
  return rows;
}

/** Pure: everything there is to say about one channel. */
export function checkChannel(channel: ChannelFacts): readonly Finding[] {
  const { tenant, intake } = channel;
  const findings = channel.enabled ? [...standing(channel), ...intakeOf(channel), ...waiting(channel)] : off(channel);
  if (findings.length === 0) return [ok(`${tenant}: the channel works, its intake is ${intake}`)];
  return findings.map((finding) => ({ ...finding, message: `${tenant}: ${finding.message}` }));
}

const off = ({ integration }: ChannelFacts): readonly Finding[] => [
  warning('the channel is off', `orgstream channel set ${integration} --enabled on`, 'CHANNEL_OFF'),
];

const isCode = (code: string | null): code is ErrorCode => code !== null && code in codes;

function standing({ integration, state, code, message, quiet, queued }: ChannelFacts): readonly Finding[] {
  if (state === 'stopped') {
    const known = isCode(code) ? code : 'UNEXPECTED';
    const said = message ?? manualOf(known).meaning;
    return [broken(`nothing is sent: ${said}`, remedyOf(known) || `orgstream channel verify ${integration}`, known)];
  }
  if (quiet) return [warning(`is quiet, ${queued} notifications wait`, `orgstream channel quiet ${integration} off`)];
  return [];
}

function intakeOf({ integration, intakeCode, typesReadMinutes }: ChannelFacts): readonly Finding[] {
  if (isCode(intakeCode)) {
    return [broken(`edge gets no notifications: ${manualOf(intakeCode).meaning}`, remedyOf(intakeCode), intakeCode)];
  }
  if (typesReadMinutes !== null && typesReadMinutes <= TYPES_SILENT_MINUTES) return [];
  const since = typesReadMinutes === null ? 'has not asked' : `has not asked for ${Math.round(typesReadMinutes)} min`;
  return [
    warning(
      `edge ${since} Learningbank for its notification types`,
      `is edge running? orgstream integration verify ${integration}`,
    ),
  ];
}

function waiting(channel: ChannelFacts): readonly Finding[] {
  const { integration, state, quiet, rests, queued, oldestMinutes, failedToday } = channel;
  const mayWait = rests || quiet || state === 'stopped' || state === 'quiet';
  const isLate = !mayWait && (oldestMinutes ?? 0) > LATE_MINUTES;
  return [
    ...(isLate
      ? [
          warning(
            `${queued} notifications are on their way, the oldest for ${Math.round(oldestMinutes!)} min`,
            `is notification-bridge running? orgstream notification list ${integration} --state queued`,
          ),
        ]
      : []),
    ...(failedToday > 0
      ? [warning(`${failedToday} failed today`, `orgstream notification list ${integration} --state failed`)]
      : []),
  ];
}
