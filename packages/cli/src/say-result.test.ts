import { expect, test } from 'vitest';
import { sayActed, sayDone } from './say-result.ts';

test.each([
  [
    'replay',
    { run: 'r1', done: 9, calls: 0, perSecond: 400, etaSeconds: 0, code: null },
    'replay done: run r1, done 9, calls 0, per second 400',
  ],
  [
    'topics accept',
    { partitions: [0, 3], sources: [], tenants: 2 },
    'topics accept done: partitions 0 3, sources none, tenants 2',
  ],
  ['snapshot', null, 'snapshot done'],
  ['snapshot', {}, 'snapshot done'],
  ['snapshot', { name: 'a\nb\u001b[2J' }, 'snapshot done: name a b\ufffd[2J'],
])('an answer to %s is said in words, on one line', (what, result, text) => {
  expect(sayDone(what, result)).toBe(text);
});

test('what was refused of a decision is named with its reason', () => {
  const refused = [{ kind: 'person', id: '404', code: 'NOT_FOUND', message: 'no such object' }];
  expect(sayActed('approve', { done: 2, refused, refusedTotal: 3 })).toEqual({
    text: 'approve: 2 done, 3 refused\n  person/404  NOT_FOUND: no such object\n  and 2 more',
    refused: 3,
  });
  expect(sayActed('approve', { done: 2, refused: [] })).toEqual({ text: 'approve: 2 done', refused: 0 });
});
