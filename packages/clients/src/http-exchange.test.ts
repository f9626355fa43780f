import { expect, test } from 'vitest';
import { createLearningbankClient } from './learningbank-client.ts';

const clientOf = (answer: () => Response) =>
  createLearningbankClient({
    baseUrl: 'http://platform.example/api/v1',
    credentials: { username: 'u', password: 'p' },
    timeoutMs: 60_000,
    fetch: async () => answer(),
  });

test('an answer that does not end is not kept in memory', async () => {
  let sent = 0;
  let cancelled = false;
  const endless = new ReadableStream<Uint8Array>({
    pull(controller) {
      sent += 1_000_000;
      controller.enqueue(new Uint8Array(1_000_000).fill(0x20));
    },
    cancel: () => void (cancelled = true),
  });
  const headers = { 'content-type': 'application/json' };
  const asked = clientOf(() => new Response(endless, { status: 200, headers })).login();
  await expect(asked).rejects.toMatchObject({ code: 'TARGET_ANSWER_INVALID', data: { reason: 'too_large' } });
  expect([cancelled, sent < 20_000_000]).toEqual([true, true]);
});

test('text that is cut between two chunks is put together', async () => {
  const whole = new TextEncoder().encode(
    JSON.stringify({
      accessToken: 't',
      expiresIn: 60,
      platform: { id: 1, name: 'Åse', url: 'http://platform.example' },
    }),
  );
  const at = whole.indexOf(0xc3) + 1;
  const cut = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(whole.slice(0, at));
      controller.enqueue(whole.slice(at));
      controller.close();
    },
  });
  const client = clientOf(() => new Response(cut, { status: 200, headers: { 'content-type': 'application/json' } }));
  expect(await client.login()).toMatchObject({ name: 'Åse' });
});
