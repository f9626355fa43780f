import { createDatabase, insertCommand, migrate, readCommand } from '@orgstream/database';
import { createLogger } from '@orgstream/runtime';
import { freshDatabase, until } from '@orgstream/testkit';
import { expect, test } from 'vitest';
import { createForget } from './forget.ts';

test('login events of an erased person go, those of others stay', async () => {
  await using database = await freshDatabase('edge');
  const db = createDatabase(database.url, { max: 4 });
  try {
    await migrate(db);
    // Events belong to an integration; this test has none of the rest.
    await db.raw(`alter table edge.login_event drop constraint login_event_integration_id_fkey`);
    await db.raw(
      `insert into edge.login_event (tenant, integration_id, person_id, kind, outcome, took_ms)
       select tenant, gen_random_uuid(), person, 'login', 'admitted', 1
         from (values ('eu1.42', '7'), ('eu1.42', '7'), ('eu1.42', '8'), ('eu1.43', '7'), ('eu1.42', null)) as e (tenant, person)`,
    );
    const stop = new AbortController();
    const log = createLogger({ service: 'test', level: 'silent' });
    const run = createForget({ db, log, pollMs: 5 }).run(stop.signal);
    const payload = { tenant: 'eu1.42', person: '7', receivers: [] };
    const id = await insertCommand(db, { addressee: 'edge', kind: 'person.forget', payload });
    const done = async () => (await readCommand(db, id))?.state === 'done';
    await until(done, { deadlineMs: 30_000, what: 'the command' });
    stop.abort();
    await run;
    expect((await readCommand(db, id))?.result).toEqual({ rows: 2 });
    const { rows } = await db.raw<{ rows: unknown[] }>(
      `select tenant, person_id from edge.login_event order by tenant, person_id`,
    );
    expect(rows).toEqual([
      { tenant: 'eu1.42', person_id: '8' },
      { tenant: 'eu1.42', person_id: null },
      { tenant: 'eu1.43', person_id: '7' },
    ]);
  } finally {
    await db.destroy();
  }
});
