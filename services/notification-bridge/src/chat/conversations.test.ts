import type { ZiikConversation } from '@orgstream/clients';
import { AppError } from '@orgstream/core';
import { expect, test } from 'vitest';
import { Conversations } from './conversations.ts';
import type { ChatChannel } from './port.ts';
import { fakeZiik, senderId } from './test-support/fake-ziik.ts';

const conversation = (id: number, type: 'direct' | 'group', ...people: number[]): ZiikConversation => ({
  id,
  type,
  participants: people.map((person) => ({ id: person, active: true })),
  latestMessageId: id * 10,
});

const open = (
  known: Parameters<typeof fakeZiik>[0],
  conversations: ChatChannel['conversations'] = 'auto',
  pageSize = 2,
) =>
  new Conversations(fakeZiik(known, pageSize).client, {
    ziikUrl: '',
    username: '',
    password: '',
    senderId,
    conversations,
  });

const listed: readonly (readonly [string, ZiikConversation[], number | null])[] = [
  ['a group of the two', [conversation(1, 'group', 1, 7)], null],
  ['a direct one with a third in it', [conversation(1, 'direct', 1, 7, 8)], null],
  ['a direct one of others', [conversation(1, 'direct', 1, 8)], null],
  ['a direct one of the sender alone', [conversation(1, 'direct', 1)], null],
  ['the direct one', [conversation(1, 'direct', 1, 7)], 1],
  ['the direct one without the sender in its list', [conversation(1, 'direct', 7)], 1],
  [
    'the direct one behind pages of others',
    [8, 9, 10, 11].map((who) => conversation(who, 'direct', 1, who)).concat(conversation(12, 'direct', 7, 1)),
    12,
  ],
  ['two direct ones: the first', [conversation(4, 'direct', 1, 7), conversation(3, 'direct', 1, 7)], 3],
];

test.each(listed)('in %s, the conversation with a user is %s', async (_, conversations, id) => {
  expect((await open({ conversations }).find(7, {}))?.id ?? null).toBe(id);
});

test.each(listed.filter(([, , id]) => id === null))(
  '%s that is answered to a creation is refused',
  async (_, [created]) => {
    await expect(open({ created: created! }, 'new').with(7, {})).rejects.toMatchObject({ code: 'ZIIK_ANSWER_INVALID' });
  },
);

test('a Ziik that ignores the filter is looked through, but not for ever', async () => {
  const conversations = Array.from({ length: 500 }, (_, at) => conversation(at + 10, 'direct', 1, at + 10));
  const { client, reads } = fakeZiik({ conversations }, 2);
  const all = new Conversations(client, { ziikUrl: '', username: '', password: '', senderId, conversations: 'old' });
  expect(await all.with(7, {})).toEqual({ conversationId: null, newestMessageId: null });
  expect(reads()).toBe(20);
  await expect(all.find(7, {})).rejects.toMatchObject({ code: 'ZIIK_ANSWER_INVALID' });
});

test.each([
  ['new', true],
  ['auto', false],
] as const)('a creation that wants a message, with a channel set to %s, fails: %s', async (set, fails) => {
  const created = new AppError('ZIIK_REFUSED', 'conversations.create: HTTP 422', { status: 422, fields: ['message'] });
  const work = open({ created }, set).with(7, {});
  if (fails) await expect(work).rejects.toBe(created);
  else expect(await work).toEqual({ conversationId: null, newestMessageId: null });
});

test('what is no refusal says nothing about how conversations are made', async () => {
  for (const code of ['ZIIK_ERROR', 'ZIIK_FORBIDDEN', 'ZIIK_RATE_LIMITED'] as const) {
    const created = new AppError(code, 'x');
    await expect(open({ created }).with(7, {})).rejects.toBe(created);
  }
});

test.each([
  ['of another field', 7, ['recipients'], false],
  ['of a message to oneself, whatever it is about', senderId, [], false],
  ['that says nothing, of a receiver who is there', 7, [], true],
] as const)('a refusal %s: a message is wanted: %s, %j, %s', async (_, userId, fields, wanted) => {
  const created = new AppError('ZIIK_REFUSED', 'conversations.create: HTTP 422', { status: 422, fields: [...fields] });
  const work = open({ created }).with(userId, {});
  if (wanted) expect(await work).toEqual({ conversationId: null, newestMessageId: null });
  else await expect(work).rejects.toBe(created);
});
