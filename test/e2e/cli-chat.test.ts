import { writeReply } from '@orgstream/world';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openChatScene, type ChatScene } from './chat-scene.ts';
import { orgstream } from './orgstream-cli.ts';

/** What an operator of chat and login types, against the real stack. */
let scene: ChatScene;
let integration: string;

beforeAll(async () => {
  scene = await openChatScene();
  ({ integration } = scene.joined);
});
afterAll(() => scene?.[Symbol.asyncDispose]());

async function json<T>(args: readonly string[], exitCode = 0): Promise<T> {
  const seen = await orgstream([...args, '--json']);
  expect({ exitCode: seen.exitCode, stderr: seen.stderr }).toEqual({ exitCode, stderr: '' });
  return JSON.parse(seen.stdout) as T;
}

describe('channel', () => {
  test('set tries the sender at Ziik; a wrong password is refused, and nothing is changed by it', async () => {
    const { email, password } = scene.connected.sender;
    const wrong = await orgstream(['channel', 'set', integration, '--sender', email], { input: 'not-the-password\n' });
    expect(wrong).toMatchObject({ exitCode: 1, stdout: '', stderr: expect.stringContaining('ZIIK_AUTH_FAILED') });
    const right = await orgstream(['channel', 'set', integration, '--sender', email, '--language', 'da'], {
      input: `${password}\n`,
    });
    expect(right).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('Academy') });
    expect(`${wrong.stderr}${right.stdout}${right.stderr}`).not.toContain(password);
    expect(await json(['channel', 'show', integration])).toMatchObject({ defaultLanguage: 'da', version: 2 });
    expect(await json(['channel', 'verify', integration])).toMatchObject({ ok: true });
  });

  test('rotate-secret prints the new one alone', async () => {
    const { stdout, exitCode } = await orgstream(['channel', 'rotate-secret', integration]);
    expect({ exitCode, lines: stdout.trim().split('\n').length }).toEqual({ exitCode: 0, lines: 1 });
    expect(stdout.trim()).not.toBe(scene.connected.hookSecret);
  });
});

test('a test message is sent with our text, and its answer is read back', async () => {
  const ida = scene.person('ida');
  const set = ['notification', 'set', integration, 'module.assigned', '--text', 'da=Hej {{firstName}}!'];
  expect((await orgstream(set)).exitCode).toBe(0);
  const preview = ['notification', 'preview', integration, 'module.assigned', '--language', 'da'];
  expect((await orgstream([...preview, '--field', 'firstName=Ida'])).stdout).toBe('Hej Ida!\n');
  const sent = await json<{ conversation: number; no: number }>(
    ['notification', 'test', integration, '--person', ida, '--type', 'module.assigned'], // prettier-ignore
  );
  expect(sent).toMatchObject({ state: 'sent', person: ida, isTest: true });
  expect(await scene.messagesTo(ida)).toEqual(['Hej Ida!']);
  const file = await scene.file();
  await writeReply(file, { siteId: scene.siteId, conversationId: sent.conversation, userId: ida, message: 'Tak!' });
  const { stdout } = await orgstream(['conversation', 'show', integration, ida]);
  expect(stdout).toMatch(/sender: Hej Ida!\n.* Ida Holm: Tak!\n$/);
  const again = await orgstream(['notification', 'retry', integration, `${sent.no}`]);
  expect(again).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('ACTION_NOT_POSSIBLE') });
});

test('status and doctor show chat and login of the integration', async () => {
  const { stdout } = await orgstream(['status']);
  expect(stdout).toMatch(/chat +on their way/);
  const { findings } = JSON.parse((await orgstream(['doctor', '--json'])).stdout) as {
    readonly findings: readonly { area: string; level: string; message: string }[];
  };
  const about = (area: string, text: string) => findings.filter((f) => f.area === area && f.message.startsWith(text));
  expect(about('chat', `${scene.joined.tenant}:`)).toMatchObject([{ level: 'ok' }]);
  expect(about('login', `${scene.connected.iss}:`)).toMatchObject([{ level: 'ok' }]);
});

test('login is switched, and an issuer is taken away and added again', async () => {
  expect(await json(['login', 'set', integration, '--enabled', 'off'])).toMatchObject({ enabled: false, version: 1 });
  expect(await json(['login', 'set', integration, '--enabled', 'on'])).toMatchObject({ enabled: true, webMenu: true });
  const { tenant } = scene.joined;
  const [issuer] = await json<{ id: string; iss: string; jwksUrl: string }[]>(['issuer', 'list', '--tenant', tenant]);
  await json(['issuer', 'remove', issuer!.id, '--yes']);
  const add = ['issuer', 'add', '--iss', issuer!.iss, '--tenant', tenant, '--jwks-url', issuer!.jwksUrl];
  expect(await json(add)).toMatchObject({ id: issuer!.id, tenant });
  expect((await orgstream(add)).stderr).toContain('ALREADY_EXISTS');
  expect(await json(['login', 'events', integration])).toEqual([]);
});
