import { randomBytes } from 'node:crypto';
import { createClient } from '@orgstream/control-api';
import { hire } from '@orgstream/simulator-ziik';
import { until } from '@orgstream/testkit';
import pg from 'pg';
import { askSimulator, callPlatform } from './simulators.ts';
import type { StackFile } from './stack-file.ts';
import type { Joined } from './tenant.ts';
import { setZiik } from './ziik-sim.ts';

/** The other half of an integration: who writes the messages, and who says who people are. */
export interface Connected {
  readonly sender: { readonly userId: string; readonly email: string; readonly password: string };
  /** What Learningbank signs its notifications with; null: they are polled. */
  readonly hookSecret: string | null;
  readonly hookUrl: string;
  /** Who signs the site's assertions. */
  readonly iss: string;
}

export interface ConnectOptions {
  /** More of the channel than its defaults. */
  readonly channel?: Readonly<Record<string, unknown>>;
  /** Notification types that Learningbank gives to Ziik. */
  readonly types?: readonly string[];
  /** How this Ziik behaves; without limit of its rate unless told. */
  readonly ziik?: Readonly<Record<string, unknown>>;
}

/** Notification types that the platform gives to Ziik; its own switch is off until somebody turns it on. */
const openTypes = ['module.assigned', 'module.deadline_reminder', 'event.invitation'];

/**
 * Gives a joined tenant chat and login, as an operator does it: a sender user in Ziik, the channel, Learningbank's hook,
 * and the site's own issuer.
 */
export async function connect(file: StackFile, joined: Joined, options: ConnectOptions = {}): Promise<Connected> {
  const api = createClient({ url: file.controlUrl, token: file.adminToken });
  const params = { integration: joined.integration };
  const site = `${file.ziikSimUrl}/s/${joined.siteId}`;
  const sender = await hireSender(file, joined.siteId);
  await setZiik(file, { siteId: joined.siteId, rateLimitPerMinute: 0, ...options.ziik });
  const { hookSecret } = await api.putChannel({
    params,
    body: { ziikUrl: site, sender: { email: sender.email, password: sender.password }, ...options.channel },
  });
  const hookUrl = `${file.edgeUrl}/hooks/learningbank/${joined.integration}`;
  if (hookSecret !== null) await setHook(file, joined, hookUrl, hookSecret);
  for (const key of options.types ?? openTypes)
    await callPlatform(joined.platform, 'PATCH', `/notification-types/${key}`, {
      channels: { ziik: { enabled: true } },
    });
  await trust(file, joined, site);
  // Until edge has read them, nobody knows Learningbank's own texts.
  await until(async () => (await api.listNotificationTypes({ params })).readAt !== null, {
    deadlineMs: 60_000,
    intervalMs: 100,
    what: "Learningbank's notification types to be known",
  });
  return { sender, hookSecret, hookUrl, iss: site };
}

async function setHook(file: StackFile, { platform }: Joined, url: string, secret: string): Promise<void> {
  const notificationHook = { url, secret };
  await askSimulator(`${file.learningbankSimUrl}/_sim/platforms/${platform.id}`, { notificationHook }, 'PATCH');
}

/** The site's keys are trusted, and its menu knows where edge is. */
async function trust(file: StackFile, { siteId, tenant, integration, platform }: Joined, iss: string): Promise<void> {
  const api = createClient({ url: file.controlUrl, token: file.adminToken });
  const known = (await api.listIssuers({ query: { tenant } })).items.some((issuer) => issuer.iss === iss);
  if (!known) {
    const jwksUrl = `${iss}/.well-known/jwks.json`;
    await api.createIssuer({ body: { iss, source: file.source, tenant, jwksUrl } });
  }
  const integrations = [{ id: integration, platformUrl: platformSite(platform.url) }];
  await askSimulator(`${file.ziikSimUrl}/_sim/edge`, { siteId, edgeUrl: file.edgeUrl, integrations });
}

/** Where people open a platform, from the base URL of its API. */
function platformSite(apiUrl: string): string {
  return apiUrl.replace(/\/api\/v1\/?$/, '');
}

/** "Academy", an ordinary user of the site that may use Ziik's API. */
async function hireSender(file: StackFile, siteId: string): Promise<Connected['sender']> {
  const email = `academy.${randomBytes(4).toString('hex')}@kaeden.example`;
  const password = randomBytes(12).toString('hex');
  const db = new pg.Client({ connectionString: file.ziikPostgresUrl });
  await db.connect();
  try {
    const { rows } = await db.query<{ id: string }>(
      'select id from units where site_id = $1 and parent_id is null and deleted_at is null limit 1',
      [siteId],
    );
    const memberships = rows.map(({ id }) => ({ unitId: id, roleIds: [] }));
    const { personId } = await hire(db, siteId, {
      firstName: 'Academy',
      lastName: 'Team',
      email,
      language: 'en',
      memberships,
    });
    await askSimulator(`${file.ziikSimUrl}/_sim/api-users`, { siteId, userId: personId, password });
    return { userId: personId, email, password };
  } finally {
    await db.end();
  }
}
