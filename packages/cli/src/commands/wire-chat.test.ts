import type { Channel, ChannelSet, Notification, NotificationType } from '@orgstream/control-api';
import { describe, expect, test } from 'vitest';
import { Refusal, startFakeControl } from '../test-support/fake-control.ts';
import { against, file, orgstream } from '../test-support/orgstream.ts';

const at = '2026-03-01T08:00:00.000Z';
const id = '0f8c2f0e-6c0b-4a56-9a3e-2c1d7f9b8a10';

const channel: Channel = {
  integration: id,
  version: 4,
  enabled: true,
  ziikUrl: 'https://acme.ziik.io',
  sender: { id: 9, name: 'Academy' },
  intake: 'hook',
  hookPath: `/hooks/learningbank/${id}`,
  oldHookSecretUntil: null,
  conversations: 'auto',
  defaultLanguage: 'en',
  maxAgeS: 86_400,
  quiet: false,
  quietDuringRuns: true,
  since: at,
  changedBy: 'ann',
  changedAt: at,
  lastReceivedAt: null,
  intakeCode: null,
  status: { integration: id, state: 'idle', code: null, message: null, queued: 1, held: 2, oldestQueuedMs: null },
};
const set = (over: Partial<Channel> = {}, hookSecret: string | null = null): ChannelSet => ({
  channel: { ...channel, ...over },
  hookSecret,
  findings: [],
});
const missing = (): Refusal => new Refusal(404, 'NOT_FOUND', 'channel: there is none', 'Check the id.');

describe('channel', () => {
  test('set makes one where there is none; the secret of the hook alone is on standard output', async () => {
    await using control = await startFakeControl({ getChannel: missing, putChannel: () => set({}, 'hook-secret') });
    const env = { ORGSTREAM_URL: control.url, ORGSTREAM_TOKEN: 'ost_test', ORGSTREAM_SENDER_PASSWORD: 'sesame' };
    const argv = ['channel', 'set', id, '--url', 'https://acme.ziik.io/', '--sender', 'academy@acme.example'];
    const { code, out, err } = await orgstream([...argv, '--max-age', '6', '--intake', 'poll'], env);
    expect({ code, out }).toEqual({ code: 0, out: 'hook-secret\n' });
    expect(err).toContain('it is not shown again');
    expect(err).not.toContain('sesame');
    expect(control.calls.at(-1)).toMatchObject({
      operation: 'putChannel',
      ifMatch: undefined,
      body: {
        ziikUrl: 'https://acme.ziik.io',
        sender: { email: 'academy@acme.example', password: 'sesame' },
        maxAgeS: 21_600,
        intake: 'poll',
      },
    });
  });

  test('set changes only what is given of one that is there, under its ETag', async () => {
    await using control = await startFakeControl({ getChannel: () => channel, changeChannel: () => set() });
    const seen = await against(control)('channel', 'set', id, '--enabled', 'off', '--quiet-during-runs', 'on');
    expect(seen).toMatchObject({ code: 0, err: '', out: expect.stringContaining('Academy (9)') });
    expect(control.calls.at(-1)).toMatchObject({
      operation: 'changeChannel',
      ifMatch: '4',
      body: { enabled: false, quietDuringRuns: true },
    });
  });

  test('set without a channel says what it takes, and asks for nothing to be stored', async () => {
    await using control = await startFakeControl({ getChannel: missing });
    expect(await against(control)('channel', 'set', id, '--language', 'da')).toEqual({
      code: 2,
      out: '',
      err: 'orgstream: there is no channel yet: give --url and --sender\n',
    });
  });

  test('a sender that Ziik refuses is one sentence with what to do', async () => {
    await using control = await startFakeControl({
      getChannel: () => channel,
      changeChannel: () => new Refusal(422, 'ZIIK_AUTH_FAILED', 'trying the sender', 'Look at e-mail and password.'),
    });
    const env = { ORGSTREAM_URL: control.url, ORGSTREAM_TOKEN: 'ost_test', ORGSTREAM_SENDER_PASSWORD: 'sesame' };
    const { code, err } = await orgstream(['channel', 'set', id, '--sender', 'a@b.example'], env);
    expect({ code, err }).toEqual({
      code: 1,
      err: 'orgstream: ZIIK_AUTH_FAILED: trying the sender; look at e-mail and password\n',
    });
  });

  test.each([
    ['on', true],
    ['off', false],
  ])('quiet %s, also when somebody else was quicker', async (word, quiet) => {
    let version = 4;
    await using control = await startFakeControl({
      getChannel: () => ({ ...channel, version }),
      changeChannel: ({ ifMatch }) => {
        if (ifMatch === '5') return set({ quiet });
        version = 5;
        return new Refusal(412, 'PRECONDITION_FAILED', 'it was changed');
      },
    });
    const seen = await against(control)('channel', 'quiet', id, word);
    expect(seen).toEqual({ code: 0, err: '', out: 'idle, 1 on their way, 2 wait\n' });
    expect(control.calls.at(-1)?.body).toEqual({ quiet });
  });

  test.each([
    [[], 86_400],
    [['--keep-old', '2'], 7_200],
    [['--leaked'], 0],
  ])('rotate-secret %j keeps the old one for %d s', async (words, keepOldS) => {
    await using control = await startFakeControl({
      getChannel: () => channel,
      rotateHookSecret: () => ({ hookSecret: 'new-one', oldHookSecretUntil: null, version: 5 }),
    });
    const { code, out } = await against(control)('channel', 'rotate-secret', id, ...words);
    expect({ code, out }).toEqual({ code: 0, out: 'new-one\n' });
    expect(control.calls.at(-1)).toMatchObject({ operation: 'rotateHookSecret', ifMatch: '4', body: { keepOldS } });
  });

  test('rotate-secret does not rotate again what somebody else has rotated meanwhile', async () => {
    await using control = await startFakeControl({
      getChannel: () => channel,
      rotateHookSecret: () => new Refusal(412, 'PRECONDITION_FAILED', 'it was changed'),
    });
    const { code, out } = await against(control)('channel', 'rotate-secret', id);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(control.calls.map(({ operation }) => operation)).toEqual(['getChannel', 'rotateHookSecret']);
  });

  test('verify ends with 1 when something is an error', async () => {
    const finding = {
      level: 'error',
      code: 'CHAT_MODULE_OFF',
      message: 'chat is off',
      remedy: 'Switch it on.',
    } as const;
    await using control = await startFakeControl({ verifyChannel: () => ({ ok: false, findings: [finding] }) });
    const seen = await against(control)('channel', 'verify', id);
    expect(seen).toEqual({ code: 1, err: '', out: 'error CHAT_MODULE_OFF: chat is off; switch it on\n' });
  });

  test('remove takes --yes, and goes under the ETag', async () => {
    await using control = await startFakeControl({ getChannel: () => channel, removeChannel: () => undefined });
    expect((await against(control)('channel', 'remove', id)).code).toBe(2);
    expect((await against(control)('channel', 'remove', id, '--yes')).code).toBe(0);
    expect(control.calls.at(-1)).toMatchObject({ operation: 'removeChannel', ifMatch: '4' });
  });
});

const type: NotificationType = {
  type: 'module.assigned',
  name: 'Module assigned',
  mandatory: false,
  enabledInLearningbank: true,
  body: null,
  enabled: true,
  texts: { en: 'Hi' },
  fields: ['firstName', 'link'],
  version: 0,
  changedBy: null,
  changedAt: null,
};

const notification: Notification = {
  no: 31,
  id: '1031',
  type: 'module.assigned',
  receiver: '512',
  person: '7',
  name: 'Ida Holm',
  state: 'skipped',
  code: 'RECEIVER_INACTIVE',
  attempts: 0,
  isTest: false,
  occurredAt: at,
  receivedAt: at,
  nextAt: null,
  endedAt: at,
  language: null,
  warnings: [],
  conversation: null,
  messages: [],
};

describe('notification', () => {
  test('set merges texts of options, and says of which fields a type has none', async () => {
    await using control = await startFakeControl({
      getNotificationType: () => type,
      changeNotificationType: () => ({ notificationType: type, warnings: ['{{moon}} is no field of this type'] }),
    });
    const texts = file({ da: 'Hej', en: 'file' });
    const argv = ['--texts', texts, '--text', 'en=a=b', '--remove-text', 'sv', '--enabled', 'on'];
    const { code, err } = await against(control)('notification', 'set', id, 'module.assigned', ...argv);
    expect({ code, err }).toEqual({ code: 0, err: 'warning: {{moon}} is no field of this type\n' });
    expect(control.calls.at(-1)).toMatchObject({
      params: { integration: id, type: 'module.assigned' },
      ifMatch: '0',
      body: { enabled: true, texts: { da: 'Hej', en: 'a=b', sv: null } },
    });
  });

  test('preview prints the message alone', async () => {
    await using control = await startFakeControl({
      previewNotificationType: () => ({ text: 'Hej Ida\n\u001b[2J', warnings: [], from: 'own', usedLanguage: 'da' }),
    });
    const argv = ['--language', 'da', '--field', 'firstName=Ida', '--field', 'link=x=y'];
    const { out } = await against(control)('notification', 'preview', id, 'module.assigned', ...argv);
    expect(out).toBe('Hej Ida\n\ufffd[2J\n');
    expect(control.calls[0]?.body).toEqual({ language: 'da', fields: { firstName: 'Ida', link: 'x=y' } });
  });

  test('list filters at control, and stops at its limit', async () => {
    await using control = await startFakeControl({
      listNotifications: () => ({ items: [notification, { ...notification, no: 30 }], next: 'more' }),
    });
    const argv = ['--state', 'skipped', '--code', 'RECEIVER_INACTIVE', '--person', 'person/7', '--limit', '1'];
    const { out, code } = await against(control)('notification', 'list', id, ...argv);
    expect(code).toBe(0);
    expect(out.split('\n').slice(1)).toEqual([
      `31  ${at}  module.assigned  512       7 (Ida Holm)  skipped  RECEIVER_INACTIVE         0`,
      '',
    ]);
    expect(control.calls.map(({ query }) => query)).toEqual([
      { state: 'skipped', code: 'RECEIVER_INACTIVE', person: '7', limit: 1 },
    ]);
  });

  test('of a test message and a retry the bridge is waited for; what it refuses is told', async () => {
    const ends: Partial<Notification>[] = [
      { state: 'queued', code: null, endedAt: null },
      { state: 'sent', code: null },
      {},
    ];
    await using control = await startFakeControl({
      testNotification: () => ({ command: 5, state: 'done', result: { notification: 31 } }),
      getNotification: () => ({ ...notification, isTest: true, ...ends.shift() }),
      retryNotification: () => ({ command: 6, state: 'new', result: null }),
      getCommand: () => ({
        id: 6,
        addressee: 'notification-bridge',
        kind: 'notification.retry',
        state: 'failed',
        code: 'ACTION_NOT_POSSIBLE',
        message: 'it was sent',
        result: null,
        createdAt: at,
        updatedAt: at,
      }),
    });
    const tried = await against(control)('notification', 'test', id, '--person', '7', '--type', 'module.assigned');
    expect(tried).toMatchObject({ code: 0, out: expect.stringMatching(/state +sent\n/) });
    const refused = await against(control)('notification', 'test', id, '--person', '7');
    expect(refused).toMatchObject({ code: 1, out: expect.stringMatching(/state +skipped: RECEIVER_INACTIVE\n/) });
    expect(control.calls[0]?.body).toEqual({ person: '7', type: 'module.assigned' });
    const { code, err } = await against(control)('notification', 'retry', id, '31');
    expect(code).toBe(1);
    expect(err).toMatch(/ACTION_NOT_POSSIBLE: it was sent/);
    expect(control.calls.at(-2)?.params).toEqual({ integration: id, notification: 31 });
  });
});

test('a conversation is shown line by line, whoever wrote it', async () => {
  const messages = [
    { id: 1, at, from: 'sender' as const, text: 'Hi Ida', deleted: false },
    { id: 2, at, from: 'person' as const, text: 'Thanks\nsender: not me', deleted: false },
    { id: 3, at, from: 'person' as const, text: '', deleted: true },
  ];
  await using control = await startFakeControl({
    readConversation: () => ({ person: '7', name: 'Ida', conversation: 3, messages }),
  });
  const { out } = await against(control)('conversation', 'show', id, 'person/7', '--limit', '900');
  expect(out).toBe(`${at}  sender: Hi Ida\n${at}  Ida: Thanks\n    sender: not me\n${at}  Ida: (deleted)\n`);
  expect(control.calls[0]).toMatchObject({ params: { person: '7' }, query: { limit: 100 } });
});

describe('login', () => {
  const login = {
    integration: id,
    version: 0,
    enabled: true,
    webMenu: true,
    app: true,
    changedBy: null,
    changedAt: null,
  };

  test('set sends only the switches that are given', async () => {
    await using control = await startFakeControl({
      getLogin: () => login,
      changeLogin: () => ({ ...login, app: false }),
    });
    const { code, out } = await against(control)('login', 'set', id, '--app', 'off');
    expect({ code, out }).toEqual({
      code: 0,
      out: `login     on
shortcut  web menu
audience  ${id} (\`aud\` of the assertions)
paths     /login/${id} and /shortcuts/${id} at edge
changed   never
`,
    });
    expect(control.calls.at(-1)).toMatchObject({ operation: 'changeLogin', ifMatch: '0', body: { app: false } });
  });

  test('events are filtered at control', async () => {
    const event = { no: 1, at, kind: 'login' as const, person: '7', name: null, outcome: 'refused' as const, code: 'LOGIN_PERSON_INACTIVE', justInTime: false, deepLink: true, tookMs: 12 }; // prettier-ignore
    await using control = await startFakeControl({ listLoginEvents: () => ({ items: [event], next: null }) });
    const { out } = await against(control)('login', 'events', id, '--outcome', 'refused', '--person', '7');
    expect(out).toContain('refused  LOGIN_PERSON_INACTIVE  12 ms  deep link');
    expect(control.calls[0]?.query).toMatchObject({ outcome: 'refused', person: '7' });
  });
});

describe('issuer', () => {
  const issuer = { id: 'a'.repeat(32), iss: 'https://acme.ziik.io', source: 'eu1', tenant: 'eu1.42', product: 'ziik' as const, jwksUrl: null, keys: ['k1'], createdBy: null, createdAt: at }; // prettier-ignore

  test('add takes keys by address or file, for a tenant or a source', async () => {
    await using control = await startFakeControl({ createIssuer: () => issuer });
    const add = ['issuer', 'add', '--iss', 'https://acme.ziik.io'];
    const jwks = { keys: [{ kty: 'OKP', crv: 'Ed25519', x: 'x'.repeat(43), kid: 'k1' }] };
    await against(control)(...add, '--tenant', 'eu1.42', '--jwks', file(jwks));
    expect(control.calls.at(-1)?.body).toMatchObject({ source: 'eu1', tenant: 'eu1.42', product: 'ziik', jwks });
    await against(control)(...add, '--source', 'eu1', '--jwks-url', 'https://acme.ziik.io/jwks.json');
    expect(control.calls.at(-1)?.body).toMatchObject({ source: 'eu1', jwksUrl: 'https://acme.ziik.io/jwks.json' });
    expect(control.calls.at(-1)?.body).not.toHaveProperty('tenant');
  });

  test('a private key does not leave this machine', async () => {
    await using control = await startFakeControl({});
    const jwks = { keys: [{ kty: 'OKP', crv: 'Ed25519', x: 'x'.repeat(43), d: 'sesame' }] };
    const { code, err } = await against(control)(
      'issuer',
      'add',
      '--iss',
      'i',
      '--source',
      'eu1',
      '--jwks',
      file(jwks),
    );
    expect({ code, calls: control.calls }).toEqual({ code: 2, calls: [] });
    expect(err).toMatch(/^orgstream: --jwks: keys\.0.*"d"/);
    expect(err).not.toContain('sesame');
  });

  test('remove takes --yes', async () => {
    await using control = await startFakeControl({ removeIssuer: () => undefined });
    const seen = await against(control)('issuer', 'remove', issuer.id, '--yes', '--json');
    expect(seen).toEqual({ code: 0, err: '', out: `{"id":"${issuer.id}","removed":true}\n` });
  });
});

test.each<[readonly string[], RegExp]>([
  [['channel', 'set', 'eu1.42'], /give what is to be set/],
  [['channel', 'set', 'eu1.42', '--enabled', 'maybe'], /--enabled: it takes on or off/],
  [['channel', 'set', 'eu1.42', '--intake', 'mail'], /Allowed choices are hook, poll/],
  [['channel', 'quiet', 'eu1.42', 'maybe'], /Allowed choices are on, off/],
  [['channel', 'rotate-secret', 'eu1.42', '--keep-old', '0'], /whole number of at least 1/],
  [['notification', 'set', 'eu1.42', 'module.assigned'], /give --enabled, --text, --texts or --remove-text/],
  [['notification', 'set', 'eu1.42', 'module.assigned', '--text', 'hello'], /hello is not name=value/],
  [['notification', 'test', 'eu1.42'], /--person/],
  [['notification', 'test', 'eu1.42', '--person', 'unit/7'], /unit\/7 is no person/],
  [['notification', 'list', 'eu1.42', '--state', 'lost'], /Allowed choices are queued/],
  [['notification', 'retry', 'eu1.42', 'x'], /whole number of at least 1/],
  [['login', 'set', 'eu1.42'], /give --enabled, --web-menu or --app/],
  [['login', 'events', 'eu1.42', '--outcome', 'maybe'], /Allowed choices are admitted, refused/],
  [['issuer', 'add', '--iss', 'x'], /give either --tenant or --source/],
  [['issuer', 'add', '--iss', 'x', '--tenant', 'eu1.42'], /give either --jwks-url or --jwks/],
  [
    ['issuer', 'add', '--iss', 'x', '--source', 'eu1', '--jwks-url', 'http://acme.example/j'],
    /--jwks-url: must be https/,
  ],
])('%j ends with 2, and one sentence says what to do', async (argv, message) => {
  await using control = await startFakeControl({ listIntegrations: () => ({ items: [{ id } as never], next: null }) });
  const { code, err, out } = await orgstream(argv, { ORGSTREAM_URL: control.url, ORGSTREAM_TOKEN: 'ost_test' });
  expect(err).toMatch(message);
  expect(err).toMatch(/^orgstream: [^\n]+\n$/);
  expect({ code, out }).toEqual({ code: 2, out: '' });
});
