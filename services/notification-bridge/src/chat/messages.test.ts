import fc from 'fast-check';
import { expect, test } from 'vitest';
import { findSent, newestOf, readPage } from './messages.ts';
import { fakeZiik, messageOf, senderId } from './test-support/fake-ziik.ts';

const ids = fc.uniqueArray(fc.integer({ min: 1, max: 500 }), { maxLength: 40 });
type Order = (a: number, b: number) => number;
const orders: readonly Order[] = [(a, b) => a - b, (a, b) => b - a];
const order = fc.constantFrom(...orders);
/** By date alone, the ids of one second the other way round. */
const odd = fc.constantFrom<Order>(
  ...orders,
  (a, b) => Math.floor(b / 3) - Math.floor(a / 3) || a - b,
  (a, b) => Math.floor(a / 3) - Math.floor(b / 3) || b - a,
);
const size = fc.integer({ min: 1, max: 12 });

test('whatever the order of the list and the size of its pages, the newest is the newest', async () => {
  await fc.assert(
    fc.asyncProperty(ids, order, size, async (all, by, pageSize) => {
      const { client } = fakeZiik({ messages: all.toSorted(by).map((id) => messageOf(id)) }, pageSize);
      expect(await newestOf(client, 5, {})).toBe(all.length === 0 ? null : Math.max(...all));
    }),
  );
});

/** Several in one second, and many in a page. */
const dense = fc.subarray(Array.from({ length: 24 }, (_, at) => at + 1));

test('what was sent after a message is found, what was sent before is not', async () => {
  await fc.assert(
    fc.asyncProperty(
      dense,
      odd,
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 0, max: 40 }),
      async (all, by, pageSize, after) => {
        const messages = all.toSorted(by).map((id) => messageOf(id, { text: id % 2 === 0 ? 'sought' : `text ${id}` }));
        const { client } = fakeZiik({ messages }, pageSize);
        const wanted = all.filter((id) => id > after && id % 2 === 0);
        const found = await findSent(client, 5, { senderId, text: 'sought', afterMessageId: after }, {});
        expect(found).toBe(wanted.length === 0 ? null : Math.min(...wanted));
      },
    ),
    { numRuns: 500 },
  );
});

test('pages of a conversation are all of it, newest first, each once', async () => {
  await fc.assert(
    fc.asyncProperty(ids, order, size, fc.integer({ min: 1, max: 15 }), async (all, by, pageSize, limit) => {
      const { client } = fakeZiik({ messages: all.toSorted(by).map((id) => messageOf(id)) }, pageSize);
      const read: number[] = [];
      for (let before: number | null | undefined; before !== null;) {
        const given = before === undefined ? {} : { before };
        const page = await readPage(client, 5, { senderId, limit, ...given });
        expect(page.messages.length).toBeLessThanOrEqual(limit);
        read.push(...page.messages.map(({ id }) => id));
        before = page.before;
      }
      expect(read).toEqual(all.toSorted((a, b) => b - a));
    }),
  );
});

test.each([
  [2, 2, null],
  [3, 2, 2],
  [0, 2, null],
])('of %i messages, a page of %i goes on before %j', async (count, limit, before) => {
  const messages = Array.from({ length: count }, (_, at) => messageOf(at + 1));
  expect((await readPage(fakeZiik({ messages }, 100).client, 5, { senderId, limit })).before).toBe(before);
});

const look = (messages: Parameters<typeof messageOf>[1][]) =>
  findSent(
    fakeZiik({ messages: messages.map((more, at) => messageOf(at + 1, more)) }, 100).client,
    5,
    { senderId, text: 'Hej', afterMessageId: null },
    {},
  );

test.each([
  ["the receiver's own words", [{ text: 'Hej', authorId: 7 }], null],
  ['words of Ziik', [{ text: 'Hej', kind: 'service' as const }], null],
  ['somebody who is gone', [{ text: 'Hej', authorId: null }], null],
  ['another text of the sender', [{ text: 'Hej Bo' }], null],
  ['a deleted one without its text', [{ text: '', deleted: true }], 1],
  ['a deleted one beside the real one', [{ text: '', deleted: true }, { text: 'Hej' }], 2],
  ['a deleted one of another text', [{ text: 'Hej Bo', deleted: true }], null],
  ['two of them: the first', [{ text: 'Hej' }, { text: 'Hej' }], 1],
])('of %s, found: %j', async (_, messages, found) => {
  expect(await look(messages)).toBe(found);
});

test('a conversation too long to be looked through is no "not there"', async () => {
  for (const by of [1, -1]) {
    const messages = Array.from({ length: 300 }, (_, at) => messageOf(at + 1)).toSorted((a, b) => by * (a.id - b.id));
    const { client, reads } = fakeZiik({ messages }, 2);
    const look = findSent(client, 5, { senderId, text: 'never sent', afterMessageId: null }, {});
    await expect(look).rejects.toMatchObject({ code: 'ZIIK_ANSWER_INVALID', data: { reason: 'too_large' } });
    expect(reads()).toBeLessThan(60);
  }
});

test('what is known to be another message is passed over', async () => {
  const { client } = fakeZiik({ messages: [3, 4, 5].map((id) => messageOf(id, { text: 'sought' })) }, 100);
  const sought = { senderId, text: 'sought', afterMessageId: null };
  expect(await findSent(client, 5, { ...sought, known: new Set([3]) }, {})).toBe(4);
  expect(await findSent(client, 5, { ...sought, known: new Set([3, 4, 5]) }, {})).toBeNull();
});
