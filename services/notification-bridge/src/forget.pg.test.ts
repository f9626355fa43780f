import { insertCommand, readCommand } from '@orgstream/database';
import { createLogger } from '@orgstream/runtime';
import { until } from '@orgstream/testkit';
import { expect, test } from 'vitest';
import { createForget } from './forget.ts';
import { forgetReceivers } from './ledger/forget-store.ts';
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

test('forgetting one person of a large ledger keeps no message of others waiting', async () => {
  await using ctx = await LedgerContext.open();
  const integration = await ctx.integrate();
  await enterNotifications(ctx.db, [notification(integration), notification(integration, { receiver: '13' })]);
  await ctx.db.raw(
    `create function linger() returns trigger language plpgsql as $$ begin perform pg_advisory_xact_lock(77); return old; end $$;
     create trigger linger before delete on bridge.notification for each row execute function linger()`,
  );
  const gate = await ctx.db.transaction();
  await gate.raw(`select pg_advisory_xact_lock(77)`);
  const forgetting = forgetReceivers(ctx.db, { tenant: 'eu1.42', person: '700', receivers: [{ integration, receiver: '12' }] }); // prettier-ignore
  const waits = async (): Promise<boolean> => {
    const { rows } = await gate.raw<{ rows: unknown[] }>(`select from pg_locks where locktype = 'advisory' and objid = 77 and not granted`); // prettier-ignore
    return rows.length > 0;
  };
  await until(waits, { deadlineMs: 20_000, what: 'the rows to be about to go' });
  const other = await ctx.db
    .transaction(async (tx) => {
      await tx.raw(`set local lock_timeout = '2s'`);
      await tx.raw(`update bridge.notification set next_at = now() where receiver = '13'`);
    })
    .catch((error: unknown) => error);
  await gate.commit();
  expect(await forgetting).toBe(1);
  expect(other).toBeUndefined();
  expect((await ctx.ledger()).map((row) => row['receiver'])).toEqual(['13']);
});
