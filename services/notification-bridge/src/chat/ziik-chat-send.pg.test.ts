import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ChatSession, SendTo } from './port.ts';
import { ChatContext, failure, placeOf, type ChatSite } from './test-support/chat-context.ts';
import { mayHaveHappened, isTooLong } from './failure.ts';
import { partSizes, splitText } from './split-text.ts';

let ziik: ChatContext;
beforeAll(async () => {
  ziik = await ChatContext.open();
});
afterAll(() => ziik[Symbol.asyncDispose]());

const writeFaults: readonly (readonly [string, object, boolean])[] = [
  ['a hang before the write', { kind: 'hang' }, false],
  ['a hang after the write', { kind: 'hang', afterWrite: true }, true],
  ['a reset before the write', { kind: 'reset_before' }, false],
  ['a reset after the write', { kind: 'reset_after_write' }, true],
  ['a 500 after the write', { kind: 'status', status: 500, afterWrite: true }, true],
  ['half an answer', { kind: 'half_json', afterWrite: true }, true],
  ['HTML instead of it', { kind: 'html' }, false],
  ['a lie', { kind: 'lying_values' }, false],
];

test.each(writeFaults)('after %s it may have happened, and a look says whether it did', async (_, fault, happened) => {
  for (const conversations of ['new', 'old'] as const) {
    const site = await ziik.site({ conversations });
    const anna = await site.person('Anna');
    const session = await site.open({}, { timeoutMs: 2_000 });
    const to = await placeOf(session, anna);
    await ziik.sim('POST', 'api-faults', { siteId: site.id, match: { method: 'POST' }, count: 1, ...fault });
    const error = await failure(session.send(to, 'Hej Anna'));
    expect(error.code).toMatch(/^ZIIK_(UNREACHABLE|ERROR|ANSWER_INVALID)$/u);
    expect(mayHaveHappened(error)).toBe(true);
    await ziik.sim('DELETE', 'api-faults');
    const found = await session.lookFor({ to, text: 'Hej Anna', afterMessageId: null });
    const said = (await site.log()).flatMap(({ messages }) => messages);
    expect(said).toHaveLength(happened ? 1 : 0);
    expect(found?.messageId).toBe(said[0]?.id);
  }
});

test('a 429 carries how long to wait, and nothing was sent', async () => {
  const site = await ziik.site();
  const session = await site.open();
  const to = await placeOf(session, await site.person('Anna'));
  await site.sim('settings', { rateLimitPerMinute: 1 });
  await session.send(to, 'one');
  const error = await failure(session.send(to, 'two'));
  expect(error).toMatchObject({ code: 'ZIIK_RATE_LIMITED', waitMs: expect.any(Number) });
  expect(mayHaveHappened(error)).toBe(false);
});

test('a text that is refused for its length arrives whole in parts', async () => {
  const site = await ziik.site({ messageMaxLength: 1_100 });
  const session = await site.open();
  const to = await placeOf(session, await site.person('Anna'));
  const text = Array.from({ length: 500 }, (_, n) => `ord${n}`).join(' ');
  const error = await failure(session.send(to, text));
  expect(isTooLong(error, text)).toBe(true);
  const fits = await firstSize(session, to, text);
  expect(fits).toBe(1_000);
  const [only] = await site.log();
  expect(only?.messages.map(({ message }) => message).join(' ')).toBe(text);
});

/** What the worker does: the largest size whose first part is not refused. */
async function firstSize(session: ChatSession, to: SendTo, text: string): Promise<number | undefined> {
  for (const size of partSizes(text)) {
    const [first = '', ...rest] = splitText(text, size);
    try {
      await session.send(to, first);
    } catch (error) {
      if (isTooLong(error, first)) continue;
      throw error;
    }
    for (const part of rest) await session.send(to, part);
    return size;
  }
  return undefined;
}

test('a last look that throws stops the call, and nothing is written', async () => {
  const site: ChatSite = await ziik.site();
  const anna = await site.person('Anna');
  let lost = false;
  const session = await site.open(
    {},
    {
      beforeSend: ({ write }) => {
        if (lost && write) throw new RangeError('lease lost');
      },
    },
  );
  const to = await placeOf(session, anna);
  lost = true;
  await expect(session.send(to, 'x')).rejects.toThrow(RangeError);
  expect((await site.log()).flatMap(({ messages }) => messages)).toEqual([]);
});
