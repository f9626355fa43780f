import { randomUUID } from 'node:crypto';
import { defaultSettings, type learningbank } from '@orgstream/core';
import { createDatabase, createIntegration, insertChannel, type Knex, migrate } from '@orgstream/database';
import { createSecretBox } from '@orgstream/runtime';
import { freshDatabase } from '@orgstream/testkit';

const secretKey = `k1:${'ab'.repeat(32)}`;

/** A database with integrations and channels, and an empty ledger. */
export class LedgerContext implements AsyncDisposable {
  readonly db: Knex;
  readonly url: string;
  readonly #resources: AsyncDisposableStack;

  private constructor(db: Knex, url: string, resources: AsyncDisposableStack) {
    this.db = db;
    this.url = url;
    this.#resources = resources;
  }

  static async open(): Promise<LedgerContext> {
    await using resources = new AsyncDisposableStack();
    const database = resources.use(await freshDatabase('bridge'));
    const db = createDatabase(database.url, { max: 6 });
    resources.defer(() => db.destroy());
    await migrate(db);
    return new LedgerContext(db, database.url, resources.move());
  }

  /** An integration, by default with a channel that is on and was made an hour ago. */
  async integrate(tenant = 'eu1.42', channel: 'on' | 'off' | 'none' = 'on'): Promise<string> {
    const secret = createSecretBox(secretKey).seal('{}');
    const integration = await createIntegration(this.db, {
      tenant,
      name: 'Academy',
      product: 'sync',
      platformUrl: `http://127.0.0.1:9/${randomUUID()}`,
      credentials: secret,
      settings: defaultSettings,
    });
    if (channel === 'none') return integration;
    await insertChannel(
      this.db,
      { integration, by: 'a test' },
      {
        enabled: channel === 'on',
        ziikUrl: 'http://127.0.0.1:9/s/42',
        sender: { id: 1, secret },
        intake: 'hook',
        conversations: 'auto',
        defaultLanguage: 'en',
        maxAgeS: 86_400,
        quiet: false,
        quietDuringRuns: true,
        hookSecret: secret,
      },
    );
    await this.db.raw(`update control.channel set since = now() - interval '1 hour' where integration_id = ?`, [
      integration,
    ]);
    return integration;
  }

  async ledger(): Promise<readonly Record<string, unknown>[]> {
    const { rows } = await this.db.raw<{ rows: Record<string, unknown>[] }>(
      `select integration_id, tenant, notification_id, receiver, type, state, code, payload, ended_at is not null as ended
         from bridge.notification order by notification_id::text, receiver::bigint`,
    );
    return rows;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#resources.disposeAsync();
  }
}

/** A notification as edge hands it on. */
export function notification(
  integrationId: string,
  given: Partial<learningbank.Notification> = {},
): learningbank.Notification {
  const nowMs = Date.now();
  return {
    tenant: 'eu1.42',
    integrationId,
    id: '7',
    type: 'module.assigned',
    occurredAtMs: nowMs - 1_000,
    receivedAtMs: nowMs,
    receiver: '12',
    email: 'ada@example.org',
    fields: { moduleName: 'Hygiene' },
    link: 'https://acme.learningbankapp.com/courses/12',
    via: 'hook',
    ...given,
  };
}
