import { AppError, defaultSettings } from '@orgstream/core';
import { createDatabase, createIntegration, insertChannel, type Knex, migrate } from '@orgstream/database';
import { createLogger, createSecretBox } from '@orgstream/runtime';
import { freshDatabase, until } from '@orgstream/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PlatformClients } from './platform-clients.ts';
import { Rounds } from './rounds.ts';

type Client = Awaited<ReturnType<PlatformClients['of']>>;

let db: Knex;
const resources = new AsyncDisposableStack();
beforeAll(async () => {
  db = createDatabase(resources.use(await freshDatabase('rounds')).url, { max: 6 });
  resources.defer(() => db.destroy());
  await migrate(db);
});
afterAll(() => resources.disposeAsync());

/** An integration that is polled. */
async function polled(): Promise<string> {
  const secret = createSecretBox(`t:${'0'.repeat(64)}`).seal('{}');
  const integration = await createIntegration(db, {
    tenant: 'eu1.42',
    name: 'Academy',
    product: 'sync',
    platformUrl: 'http://127.0.0.1:9/p',
    credentials: secret,
    settings: defaultSettings,
  });
  const sender = { id: 1, secret };
  const set = {
    enabled: true,
    ziikUrl: 'http://127.0.0.1:9/s',
    sender,
    intake: 'poll',
    conversations: 'auto',
  } as const;
  const more = { defaultLanguage: 'en', maxAgeS: 86_400, quiet: false, quietDuringRuns: true };
  await insertChannel(db, { integration, by: 'test' }, { ...set, ...more, hookSecret: secret });
  return integration;
}

test('types that cannot be read keep no notification away: it is polled as often as ever, and they are asked for more and more rarely', async () => {
  const integration = await polled();
  const asked = { types: 0, polls: 0 };
  const client = {
    notificationTypes: async () => {
      asked.types += 1;
      throw new AppError('TARGET_FORBIDDEN', 'notification_types.list: HTTP 403');
    },
    notifications: async () => {
      asked.polls += 1;
      return [];
    },
  } as unknown as Client;
  const stop = new AbortController();
  const clients = { of: async () => client, keep: () => {} } as unknown as PlatformClients;
  const noted: string[] = [];
  const rounds = new Rounds({
    db,
    clients,
    outlet: { put: async () => {} },
    metrics: { polled: () => {}, pollFailed: (code) => void noted.push(code) },
    log: createLogger({ service: 'test', level: 'silent' }),
    owner: 'test',
    pollMs: 20,
    typesMs: 60_000,
    listMs: 10,
  });
  const run = rounds.run(stop.signal);
  await until(() => asked.polls >= 60, { deadlineMs: 20_000, what: 'sixty polls' });
  // 20 ms, 40 ms, 80 ms, …: with every poll it would be sixty times.
  expect(asked.types).toBeLessThan(20);
  expect(asked.types).toBeGreaterThan(1);
  expect(new Set(noted)).toEqual(new Set(['TARGET_FORBIDDEN']));
  const { rows } = await db.raw<{ rows: { code: string }[] }>(`select code from edge.intake where integration_id = ?`, [integration]); // prettier-ignore
  expect(rows).toEqual([{ code: 'TARGET_FORBIDDEN' }]);
  stop.abort();
  await run;
});
