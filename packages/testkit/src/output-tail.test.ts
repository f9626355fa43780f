import { expect, test } from 'vitest';
import { OutputTail } from './output-tail.ts';

test('keeps the end only', () => {
  const tail = new OutputTail(10);
  for (const word of ['one ', 'two ', 'three ', 'four ']) tail.add(word);
  expect(tail.text()).toBe('hree four ');
});

test('one chunk larger than the room is cut', () => {
  const tail = new OutputTail(4);
  tail.add('abcdefgh');
  expect(tail.text()).toBe('efgh');
});

test('lines are handed over whole, however the text is cut, until the listener leaves', () => {
  const tail = new OutputTail(100);
  const lines: string[] = [];
  const leave = tail.onLine((line) => lines.push(line));
  for (const part of ['a', 'b\nc', 'd\n\n', 'e']) tail.add(part);
  expect(lines).toEqual(['ab', 'cd', '']);
  leave();
  tail.add('\n');
  expect(lines).toHaveLength(3);
});
