import fc from 'fast-check';
import { expect, test } from 'vitest';
import { partSizes, splitText } from './split-text.ts';

test.each([
  ['Hej', 10, ['Hej']],
  ['one two three', 7, ['one two', 'three']],
  ['one two three', 8, ['one two', 'three']],
  ['one two', 3, ['one', 'two']],
  ['abcdefgh', 3, ['abc', 'def', 'gh']],
  ['first line\nsecond is long', 18, ['first line', 'second is long']],
  ['a\nb c d e f', 8, ['a\nb c d', 'e f']],
  ['  spaces   between   ', 10, ['spaces', 'between']],
  ['ab😀cd', 3, ['ab', '😀c', 'd']],
  ['e\u0301e\u0301e\u0301', 3, ['e\u0301', 'e\u0301', 'e\u0301']],
  ['👩‍👩‍👧👩‍👩‍👧', 9, ['👩‍👩‍👧', '👩‍👩‍👧']],
  ['', 5, []],
  [' \n ', 5, []],
])('%j in parts of %i', (text, max, parts) => {
  expect(splitText(text, max)).toEqual(parts);
});

const texts = fc
  .array(fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom(' ', '\n', '😀', '👩‍👩‍👧', 'e\u0301', 'ord')))
  .map((all) => all.join(''));

test('nothing is lost but blanks, no part is too long, none is empty, and no character is torn', () => {
  fc.assert(
    fc.property(texts, fc.integer({ min: 2, max: 40 }), (text, max) => {
      const parts = splitText(text, max);
      expect(parts.join('').replaceAll(/\s/gu, '')).toBe(text.replaceAll(/\s/gu, ''));
      for (const part of parts) {
        expect(part.length).toBeLessThanOrEqual(max);
        expect(part).not.toBe('');
        expect(part).toBe(part.trim());
        expect(part.isWellFormed()).toBe(text.isWellFormed());
      }
      expect(splitText(text, max)).toEqual(parts);
    }),
  );
});

test('words stay whole where they fit', () => {
  const words = fc.array(fc.stringMatching(/^\w{1,10}$/u), { minLength: 1 });
  fc.assert(
    fc.property(words, fc.integer({ min: 10, max: 30 }), (all, max) => {
      const parts = splitText(all.join(' '), max);
      expect(parts.flatMap((part) => part.split(' '))).toEqual(all);
    }),
  );
});

test('a very long text is split in linear time', () => {
  expect(splitText('ord '.repeat(100_000), 250).length).toBeGreaterThan(1_500);
  expect(splitText('x'.repeat(200_000), 250)).toHaveLength(800);
});

test.each([
  ['x'.repeat(250), []],
  ['x'.repeat(251), [250]],
  ['x'.repeat(3_000), [2_000, 1_000, 500, 250]],
  ['x'.repeat(16_000), [4_000, 2_000, 1_000, 500, 250]],
])('sizes to try get smaller, and only those that split', (text, sizes) => {
  expect(partSizes(text)).toEqual(sizes);
});
