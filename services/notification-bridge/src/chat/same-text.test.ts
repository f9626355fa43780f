import { expect, test } from 'vitest';
import { sameText } from './same-text.ts';

test.each([
  ['Hej Ida', 'Hej Ida', true],
  ['Hej Ida\n', ' Hej  Ida', true],
  ['Kaffe & brød', 'Kaffe &amp; brød', true],
  ['e\u0301n', '\u00e9n', true],
  ['a\r\nb', 'a\nb', true],
  ['👍', '👍', true],
  ['👍', '👎', false],
  ['Hej Ida', 'Hej Ib', false],
  ['Course 12', 'Course 21', false],
  ['Hej Ida', '', false],
  ['https://a.test/courses/12', 'https://a.test/courses/13', false],
])('%j sent and %j shown: %s', (sent, shown, same) => {
  expect(sameText(sent, shown)).toBe(same);
});
