import type { Knex } from '@orgstream/database';
import { quietSql } from './quiet.ts';

/** A channel as it is now, and what forbids it to send. */
export interface ChannelFacts {
  readonly integrationId: string;
  readonly version: number;
  readonly ziikUrl: string;
  readonly secretId: string;
  readonly senderId: number;
  readonly conversations: 'auto' | 'new' | 'old';
  readonly defaultLanguage: string;
  readonly platformUrl: string;
  readonly enabled: boolean;
  /** Stop button, or the integration is disabled, paused or a shadow: nothing is sent, what comes waits. */
  readonly paused: boolean;
  readonly quiet: boolean;
  /** What operators were told last, maybe by a former owner. */
  readonly told: ChannelReport['state'] | null;
}

interface RawChannel extends Omit<ChannelFacts, 'senderId'> {
  readonly senderId: string;
}

/** The channels of a tenant. */
export async function readChannels(db: Knex, tenant: string): Promise<readonly ChannelFacts[]> {
  const { rows } = await db.raw<{ rows: RawChannel[] }>(
    `select c.integration_id as "integrationId", c.version, c.ziik_url as "ziikUrl", c.sender_secret_id as "secretId",
            c.sender_id as "senderId", c.conversations, c.default_language as "defaultLanguage",
            i.platform_url as "platformUrl", c.enabled,
            s.stopped or not i.enabled or i.paused or i.shadow as paused, ${quietSql} as quiet,
            (select b.state from bridge.channel_state b where b.integration_id = c.integration_id) as told
       from control.channel c
       join control.integration i on i.id = c.integration_id
      cross join control.stop s
      where i.tenant = :tenant order by i.id`,
    { tenant },
  );
  return rows.map((row) => ({ ...row, senderId: Number(row.senderId) }));
}

/** What operators see of a channel. */
export interface ChannelReport {
  readonly state: 'working' | 'quiet' | 'stopped';
  readonly code: string | null;
  readonly message: string | null;
}

/** Makes it visible. Fenced: only the owner of the tenant speaks. */
export async function writeChannelState(
  db: Knex,
  channel: { readonly integration: string; readonly tenant: string; readonly token: number },
  report: ChannelReport,
): Promise<void> {
  await db.raw(
    `insert into bridge.channel_state as s (integration_id, state, code, message, quiet_since)
     select i.id, :state, :code, :message, case when :state = 'quiet' then now() end
       from control.integration i join bridge.tenant t on t.tenant = i.tenant and t.lease_token = :token
      where i.id = :integration and i.tenant = :tenant
     on conflict (integration_id) do update
        set state = excluded.state, code = excluded.code, message = excluded.message, updated_at = now(),
            quiet_since = case when excluded.state = 'quiet' then coalesce(s.quiet_since, now()) end
      where (s.state, s.code, s.message) is distinct from (excluded.state, excluded.code, excluded.message)`,
    { ...channel, ...report },
  );
}
