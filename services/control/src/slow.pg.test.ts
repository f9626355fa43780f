import { createDatabase, postgresError, removeIntegration } from '@orgstream/database';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ControlContext } from './fixture.ts';

let ctx: ControlContext;
beforeAll(async () => {
  ctx = await ControlContext.open();
});
afterAll(() => ctx?.[Symbol.asyncDispose]());

test('a statement that takes too long is ended, and may be tried again; a large integration may take its time to go', async () => {
  const { integration } = await ctx.addTenant('eu1.42');
  const db = createDatabase(ctx.databaseUrl, { max: 1, statementTimeoutMs: 200 });
  try {
    const slow: unknown = await db.raw(`select pg_sleep(60)`).catch((error: unknown) => error);
    expect(postgresError(slow, 'asking')).toMatchObject({ code: 'POSTGRES_UNREACHABLE', message: 'asking: 57014' });
    await ctx.db.raw(
      `create function linger() returns trigger language plpgsql as $$ begin perform pg_sleep(0.5); return old; end $$;
       create trigger linger before delete on control.integration for each row execute function linger()`,
    );
    expect(await removeIntegration(db, integration, 1)).toBe(true);
    await expect(db.raw(`select pg_sleep(60)`)).rejects.toMatchObject({ code: '57014' });
  } finally {
    await db.destroy();
  }
});
