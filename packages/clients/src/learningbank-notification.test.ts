import fc from 'fast-check';
import { expect, test } from 'vitest';
import { listedNotification, readNotification } from './learningbank-notification.ts';

const sent = {
  id: 7,
  type: 'module.assigned',
  occurredAt: '2026-11-22T10:00:00.000Z',
  receiver: { userId: 12, email: 'ada@example.org' },
  fields: { firstName: 'Ada', moduleName: 'Hygiene' },
  link: 'https://acme.learningbankapp.com/courses/12',
};

test('a notification is read; what is new in it is ignored', () => {
  const expected = {
    id: '7',
    type: 'module.assigned',
    occurredAtMs: Date.parse(sent.occurredAt),
    userId: 12,
    email: 'ada@example.org',
    fields: sent.fields,
    link: sent.link,
  };
  expect(readNotification(sent)).toEqual({ notification: expected });
  expect(readNotification({ ...sent, priority: 3, receiver: { ...sent.receiver, phone: '1' } })).toEqual({
    notification: expected,
  });
  const least = { id: 'n-7', type: 'x', occurredAt: '2026-11-22T11:00:00+01:00', receiver: { userId: 12 } };
  expect(readNotification(least)).toMatchObject({
    notification: { id: 'n-7', occurredAtMs: expected.occurredAtMs, email: null, fields: {}, link: null },
  });
});

test.each([
  ['no object', 'text', 'body'],
  ['nothing', undefined, 'body'],
  ['no id', { ...sent, id: undefined }, 'id'],
  ['an id with a blank', { ...sent, id: 'a b' }, 'id'],
  ['a negative id', { ...sent, id: -1 }, 'id'],
  ['an id beyond all numbers', { ...sent, id: 2 ** 60 }, 'id'],
  ['no type', { ...sent, type: '' }, 'type'],
  ['a time without a zone', { ...sent, occurredAt: '2026-11-22T10:00:00' }, 'occurredAt'],
  ['a time that is none', { ...sent, occurredAt: 'yesterday' }, 'occurredAt'],
  ['no receiver', { ...sent, receiver: null }, 'receiver'],
  ['a receiver by name', { ...sent, receiver: { userId: 'ada' } }, 'receiver.userId'],
  ['a field that is no text', { ...sent, fields: { n: 1 } }, 'fields.n'],
  ['a NUL', { ...sent, fields: { n: 'a\0b' } }, 'fields.n'],
  ['half a character', { ...sent, fields: { n: 'a\ud800b' } }, 'fields.n'],
  ['a link that runs', { ...sent, link: 'javascript:alert(1)' }, 'link'],
  ['a link with a blank', { ...sent, link: 'https://a b' }, 'link'],
  [
    'too many fields',
    { ...sent, fields: Object.fromEntries(Array.from({ length: 101 }, (_, n) => [n, ''])) },
    'fields',
  ],
])('%s is refused, and the place is named without its value', (_what, value, place) => {
  const read = readNotification(value);
  const problems = 'problems' in read ? read.problems : [];
  expect(problems.map((problem) => problem.split(':')[0])).toContain(place);
  expect(problems.join()).not.toMatch(/ada|yesterday|alert/);
});

test('whatever is sent is read or refused, and what is read can be stored', () => {
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), fc.record({ ...shape() }, { requiredKeys: [] })), (value) => {
      const read = readNotification(value);
      if ('problems' in read) return read.problems.length > 0;
      const text = JSON.stringify(read.notification);
      return !text.includes('\\u0000') && text.isWellFormed() && Number.isFinite(read.notification.occurredAtMs);
    }),
  );
});

function shape() {
  return {
    id: fc.oneof(fc.integer(), fc.string()),
    type: fc.string(),
    occurredAt: fc.oneof(fc.string(), fc.constant(sent.occurredAt)),
    receiver: fc.record({ userId: fc.integer(), email: fc.option(fc.string({ unit: 'binary' })) }),
    fields: fc.dictionary(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' })),
    link: fc.option(fc.webUrl()),
  };
}

test('an entry of the list that cannot be read keeps its id, so that it can be stepped over', () => {
  expect(listedNotification.parse({ ...sent, type: null })).toMatchObject({ id: 7, notification: null });
  expect(listedNotification.parse(sent)).toMatchObject({ id: 7, notification: { id: '7' }, problems: [] });
  expect(listedNotification.safeParse({ ...sent, id: 'seven' }).success).toBe(false);
});
