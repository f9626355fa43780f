import { createClient, type Client } from '@orgstream/control-api';
import { finishCommand, removeIssuer, takeCommand } from '@orgstream/database';
import { until } from '@orgstream/testkit';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { ControlContext, type TenantFixture } from './fixture.ts';
import { addIssuer } from './issuer-fixture.ts';
import { senderOf } from './ziik-fixture.ts';

/** Two at the same moment, each held where it hurts. */

let ctx: ControlContext;
let ours: TenantFixture;
let admin: Client;
let site = 100;

beforeAll(async () => {
  ctx = await ControlContext.open({ CONTROL_WAIT_MS: 0 });
  admin = await ctx.client('admin');
});
afterAll(() => ctx?.[Symbol.asyncDispose]());
beforeEach(async () => {
  ours = await ctx.addTenant(`eu1.${(site += 1)}`);
});

/** Statements that wait for somebody else's lock. */
const waiting = async (): Promise<number> => {
  const { rows } = await ctx.db.raw<{ rows: { n: number }[] }>(
    `select count(*)::int as n from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  );
  return rows[0]!.n;
};

test('of two who set up a channel at once the second is told that it came late', async () => {
  const params = { integration: ours.integration };
  await admin.removeChannel({ params, ifMatch: 1 });
  const body = { ziikUrl: ctx.ziik.urlOf(ours.tenant), sender: senderOf };
  const both = await ctx.db.transaction(async (tx) => {
    await tx.raw(`select from control.integration where id = ? for update`, [ours.integration]);
    const puts = Promise.allSettled([1, 2].map(() => admin.putChannel({ params, body })));
    await until(async () => (await waiting()) === 2, { deadlineMs: 30_000, what: 'both wait' });
    return { puts };
  });
  const answers = await both.puts;
  expect(answers.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  expect(answers.find(({ status }) => status === 'rejected')).toMatchObject({
    reason: { code: 'PRECONDITION_FAILED' },
  });
});

test('nobody is signed in by an issuer that is taken away at that moment', async () => {
  const issuer = await addIssuer(ctx.db, ours.tenant);
  const assertion = await issuer.assert({ sub: '8' });
  let isOver = false;
  const { signIn } = await ctx.db.transaction(async (tx) => {
    await removeIssuer(tx, issuer.id);
    const session = createClient({ url: ctx.url }).createSession({ body: { assertion } });
    const settled = Promise.allSettled([session]).finally(() => (isOver = true));
    await until(async () => isOver || (await waiting()) > 0, { deadlineMs: 30_000, what: 'it waits' });
    return { signIn: settled };
  });
  const [answer] = await signIn;
  const token = answer.status === 'fulfilled' ? answer.value.token : undefined;
  const held = token === undefined ? [] : (await createClient({ url: ctx.url, token }).listIntegrations()).items;
  expect(held).toEqual([]);
  expect(answer).toMatchObject({ status: 'rejected', reason: { code: 'ISSUER_UNKNOWN' } });
});

test('a conversation that the bridge reads after nobody waits for it is kept nowhere', async () => {
  const reading = Promise.allSettled([
    admin.readConversation({ params: { integration: ours.integration, person: '1' } }),
  ]);
  const command = await until(() => takeCommand(ctx.db, 'notification-bridge', { kinds: ['conversation.read'] }), {
    deadlineMs: 30_000,
    what: 'the bridge is asked',
  });
  expect(await reading).toMatchObject([{ status: 'rejected', reason: { code: 'COMMAND_UNANSWERED' } }]);
  await finishCommand(ctx.db, command.id, { result: { conversation: 501, messages: [{ text: 'Thanks!' }] } });
  const { rows } = await ctx.db.raw<{ rows: unknown[] }>(`select result from control.command`);
  expect(JSON.stringify(rows)).not.toContain('Thanks!');
});
