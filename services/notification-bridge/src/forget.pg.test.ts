import { insertCommand, readCommand } from '@orgstream/database';
import { createLogger } from '@orgstream/runtime';
import { until } from '@orgstream/testkit';
import { expect, test } from 'vitest';
import { createForget } from './forget.ts';
import { LedgerContext, notification } from './ledger/intake-fixture.ts';
import { enterNotifications } from './ledger/intake-store.ts';

const log = createLogger({ service: 'test', level: 'silent' });

test('who is asked to be forgotten while notifications pour in is forgotten, whoever was first', async () => {
  await using ctx = await LedgerContext.open();
  const integration = await ctx.integrate();
  const stop = new AbortController();
  const run = createForget({ db: ctx.db, log, pollMs: 5 }).run(stop.signal);
  const receivers = [{ integration, receiver: '12' }];
  const pouring = (async () => {
    for (let id = 0; id < 60; id += 1) {
      await enterNotifications(ctx.db, [
        notification(integration, { id: String(id) }),
        notification(integration, { id: String(id), receiver: '13' }),
      ]);
    }
  })();
  const payload = { tenant: 'eu1.42', person: '700', receivers };
  const id = await insertCommand(ctx.db, { addressee: 'notification-bridge', kind: 'person.forget', payload });
  const done = async () => (await readCommand(ctx.db, id))?.state === 'done';
  await until(done, { deadlineMs: 30_000, what: 'the command' });
  await pouring;
  stop.abort();
  await run;
  const left = (await ctx.ledger()).map((row) => row['receiver']);
  expect(left).toHaveLength(60);
  expect(new Set(left)).toEqual(new Set(['13']));
});
