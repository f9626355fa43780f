import { finishCommand, insertChannel, takeCommand, type CommandRow, type Knex } from '@orgstream/database';
import type { SecretBox } from '@orgstream/runtime';
import { backoffMs, sleep } from '@orgstream/runtime';
import { senderOf } from './ziik-fixture.ts';

/** A channel with texts, a ledger with rows in every state, and logins. */
export async function addChat(
  db: Knex,
  options: {
    readonly integration: string;
    readonly tenant: string;
    readonly ziikUrl: string;
    readonly secrets: SecretBox;
  },
): Promise<{ readonly notification: number }> {
  const { integration, tenant, ziikUrl, secrets } = options;
  const credentials = { username: senderOf.email, password: senderOf.password };
  await insertChannel(
    db,
    { integration, by: 'test' },
    {
      ziikUrl,
      enabled: true,
      sender: { id: 900, secret: secrets.seal(JSON.stringify(credentials)) },
      intake: 'hook',
      conversations: 'auto',
      defaultLanguage: 'en',
      maxAgeS: 86_400,
      quiet: false,
      quietDuringRuns: true,
      hookSecret: secrets.seal('osh_of-a-test'),
    },
  );
  const types = JSON.stringify([
    { key: 'module.assigned', name: 'Module assigned', mandatory: false, enabled: true, body: 'Hi {{firstName}}' },
    { key: 'user.activation', name: 'Activation', mandatory: true, enabled: false, body: null },
  ]);
  const { rows } = await db.raw<{ rows: { id: string }[] }>(chatRows, { integration, tenant, types });
  return { notification: Number(rows[0]!.id) };
}

const chatRows = /* sql */ `
  with setting as (
    insert into control.notification_setting (integration_id, type, texts)
    values (:integration, 'module.assigned', '{"da": "Hej {{firstName}}: {{moduleName}} {{link}}", "en": "{{nonsense}}"}')
  ), intake as (
    insert into edge.intake (integration_id, types, types_read_at, received_at)
    values (:integration, cast(:types as jsonb), now(), now())
  ), event as (
    insert into edge.login_event (tenant, integration_id, person_id, kind, outcome, code, took_ms, at)
    values (:tenant, :integration, '3', 'login', 'refused', 'LOGIN_OFF', 3, now() - interval '2 hours'),
           (:tenant, :integration, '1', 'login', 'admitted', null, 12, now()),
           (:tenant, :integration, '2', 'login', 'refused', 'LOGIN_PERSON_INACTIVE', 3, now()),
           (:tenant, :integration, null, 'login', 'refused', 'ASSERTION_INVALID', 1, now()),
           (:tenant, :integration, '1', 'shortcuts', 'refused', 'LOGIN_OFF', 1, now())
  )
  insert into bridge.notification (integration_id, tenant, notification_id, receiver, type, occurred_at, state, code,
                                   payload, person_id, ziik_user_id, conversation_id, message_ids, language, ended_at)
  select :integration, :tenant, 'n' || n, (1000 + p)::text, 'module.assigned', now(), state, code,
         case when state = 'queued' then '{"email": "ann@secret.example"}'::jsonb end, p::text, p,
         case when state = 'sent' then 500 + p end, case when state = 'sent' then array[7000 + n] else '{}' end, 'da',
         case when state in ('queued', 'sending', 'unknown') then null else now() end
    from (values (1, 1, 'sent', null), (2, 1, 'failed', 'ZIIK_REFUSED'), (3, 2, 'sent', null), (4, 3, 'queued', null),
                 (5, 4, 'skipped', 'RECEIVER_UNKNOWN'), (6, 5, 'unknown', null), (7, 6, 'queued', null)) as v(n, p, state, code)
  returning id`;

/** What the bridge would answer; the rest of it is not there. */
export type BridgeAnswer = (command: CommandRow) => Parameters<typeof finishCommand>[2];

const answerLikeBridge: BridgeAnswer = ({ kind }) => {
  if (kind !== 'conversation.read') return { result: { notification: 1 } };
  const message = { id: 2, from: 'receiver', authorId: 7, text: 'Thanks!', atMs: 1_790_000_000_000, deleted: false };
  return { result: { conversation: 501, messages: [message, { ...message, id: 1, from: 'sender' }], before: null } };
};

/** Answers commands to the bridge until it is disposed of. */
export function runBridge(db: Knex, answer: BridgeAnswer = answerLikeBridge): AsyncDisposable {
  const stop = new AbortController();
  const run = async (): Promise<void> => {
    for (let idle = 0; !stop.signal.aborted;) {
      const command = await takeCommand(db, 'notification-bridge');
      if (command) await finishCommand(db, command.id, answer(command));
      idle = command ? 0 : idle + 1;
      if (!command) await sleep(backoffMs(idle, { baseMs: 5, capMs: 50 }), stop.signal);
    }
  };
  const running = run();
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
    },
  };
}
