import { createDatabase, migrate, type Knex } from '@orgstream/database';
import { freshDatabase } from '@orgstream/testkit';
import { beforeAll, expect, test } from 'vitest';
import { burnJti, forgetJtis } from './jti-store.ts';

let db: Knex;
let other: Knex;
beforeAll(async () => {
  const resources = new AsyncDisposableStack();
  const database = resources.use(await freshDatabase('identity'));
  db = createDatabase(database.url, { max: 10 });
  other = createDatabase(database.url, { max: 10 });
  resources.defer(() => Promise.all([db.destroy(), other.destroy()]).then(() => {}));
  await migrate(db);
  return () => resources.disposeAsync();
});

const inS = (seconds: number): Date => new Date(Date.now() + seconds * 1_000);
const burn = async (on: Knex, jti: string, expiresAt = inS(60), iss = 'i'): Promise<string> => {
  const code = (error: unknown): string => (error as { code: string }).code;
  return burnJti(on, { iss, jti, expiresAt }).then(() => 'burnt', code);
};

test('of many at once, at two replicas, one burns it', async () => {
  const tries = Array.from({ length: 40 }, (_, no) => burn(no % 2 ? db : other, 'same'));
  const outcomes = await Promise.all(tries);
  expect(outcomes.filter((one) => one === 'burnt')).toHaveLength(1);
  expect(outcomes.filter((one) => one === 'ASSERTION_USED')).toHaveLength(39);
});

test('ids are each issuer’s own', async () => {
  expect([await burn(db, 'mine', inS(60), 'a'), await burn(db, 'mine', inS(60), 'b')]).toEqual(['burnt', 'burnt']);
});

test('what is forgotten can never be burnt again, whatever a replica takes for the time', async () => {
  expect(await burn(db, 'old', inS(-590))).toBe('burnt');
  expect(await burn(db, 'older', inS(-610))).toBe('ASSERTION_INVALID');
  await forgetJtis(db);
  expect(await burn(db, 'old', inS(-590))).toBe('ASSERTION_USED');
  await db.raw(`update edge.used_jti set expires_at = now() - interval '601 s' where jti = 'old'`);
  expect(await forgetJtis(db)).toBe(1);
  expect(await burn(db, 'old', inS(-601))).toBe('ASSERTION_INVALID');
});
