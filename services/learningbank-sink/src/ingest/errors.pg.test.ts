import { freshDatabase } from '@orgstream/testkit';
import { createLogger } from '@orgstream/runtime';
import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { createDatabase, isDataError, postgresError } from '@orgstream/database';

const value = 'anna.private@example.org';

test.each([
  ['a value of the wrong type', `select ?::bigint`, '22P02'],
  ['a check that fails', `insert into t (email, n) values (?, -1)`, '23514'],
  ['a key that is there', `insert into t (email) values (?)`, '23505'],
  ['a statement that is wrong', `select ?::text from nowhere`, '42P01'],
  [
    'an error that tells where',
    `do $$ begin execute 'select 1/0' using ?::text; end $$`.replace('?', `'${value}'`),
    '',
  ],
])('%s leaves no row value in what is logged', async (_what, sql, code) => {
  await using database = await freshDatabase('errors');
  const db = createDatabase(database.url, { max: 2 });
  await db.raw('create table t (email text unique, n int default 0 check (n >= 0))');
  await db.raw('insert into t (email) values (?)', [value]);
  let logged = '';
  const to = new Writable({ write: (chunk, _encoding, done) => ((logged += String(chunk)), done()) });
  const log = createLogger({ service: 'test', level: 'info' }, to);
  const bindings = sql.includes('?') ? [value] : [];
  for (const run of [() => db.raw(sql, bindings), () => db.transaction((tx) => tx.raw(sql, bindings))]) {
    const error = await run().then(
      () => expect.unreachable(),
      (cause: unknown) => cause,
    );
    if (code !== '') expect(error).toMatchObject({ code });
    expect(isDataError(error)).toBe(code === '' || code.startsWith('2'));
    log.warn({ err: error }, 'raw');
    log.warn({ err: postgresError(error, 'storing facts') }, 'translated');
  }
  await db.destroy();
  expect(logged).toContain('"msg":"translated"');
  expect(logged).not.toContain(value);
});
