import { AppError } from '@orgstream/core';
import type { Lease } from '@orgstream/database';
import { expect, test } from 'vitest';
import type { Chat, ChatOptions, ChatSession } from '../chat/port.ts';
import { ChannelSession } from './channel-session.ts';

const post = { route: 'messages.create', method: 'POST', write: true } as const;
const read = { route: 'messages.list', method: 'GET', write: false } as const;

test('a POST that is repeated after a 401 waits for no turn: what forbids it was looked at before', async () => {
  let calls: ChatOptions | undefined;
  const chat = (): ChatSession => ({}) as ChatSession;
  const session = new ChannelSession({
    channel: { ziikUrl: 'http://ziik', username: 'a', password: 'b', senderId: 1, conversations: 'new' },
    createChat: (options): Chat => {
      calls = options;
      return { open: async () => chat() };
    },
    callTimeoutMs: 1_000,
    callsPerMinute: 6_000,
    stoppedMs: 10,
    lease: { assertHeld: () => {} } as unknown as Lease,
    signal: new AbortController().signal,
    onCall: () => {},
    onChange: () => {},
  });
  const limited = () => Promise.reject(new AppError('ZIIK_RATE_LIMITED', 'slow down', { waitMs: 3_600_000 }));
  const sent = await session.send(
    async () => true,
    async (_, { signal }) => {
      await calls!.beforeCall!(post, signal);
      // Another call is told to wait for an hour, then this one's token is refused.
      await session.read(limited).catch(() => {});
      await calls!.beforeCall!(post, signal);
      return { conversationId: 1, messageId: 2 };
    },
  );
  expect(sent).toEqual({ conversationId: 1, messageId: 2 });
  const waits = new AbortController();
  const next = calls!.beforeCall!(read, waits.signal);
  waits.abort();
  await expect(next).rejects.toMatchObject({ code: 'PLATFORM_PAUSED' });
}, 10_000);
