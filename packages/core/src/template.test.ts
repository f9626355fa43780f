import fc from 'fast-check';
import { expect, test } from 'vitest';
import { maxTemplateLength, renderTemplate, validateTemplate } from './template.ts';

const fields = { firstName: 'Ida', moduleName: 'Kaffe & brød', link: 'https://acme.test/courses/12' };

test.each([
  ['Hej {{firstName}}', 'Hej Ida'],
  ['{{firstName}}{{ firstName }}{{\tfirstName  }}', 'IdaIdaIda'],
  ['{{{firstName}}}', '{Ida}'],
  ['  {{moduleName}}:\r\n{{link}}\n\n', 'Kaffe & brød:\nhttps://acme.test/courses/12'],
  ['no field, {single} brace }', 'no field, {single} brace }'],
  ['a\u0000b\u0007c\u202ed\u2028e\tf\u0085g', 'abcd\ne f\ng'],
  ['half a pair \ud800.', 'half a pair \ufffd.'],
  ['', ''],
])('%j becomes %j', (template, text) => {
  expect(renderTemplate(template, fields)).toEqual({ text, warnings: [] });
});

test.each([
  ['Hi {{lastName}}!', 'Hi !', ['lastName: unknown merge field, left out']],
  ['{{a}}{{a}}{{b}}x', 'x', ['a: unknown merge field, left out', 'b: unknown merge field, left out']],
  [
    '{{constructor}}{{__proto__}}.',
    '.',
    [expect.stringContaining('constructor'), expect.stringContaining('__proto__')],
  ],
  ['{{first name}}.', '.', ['"first name": unknown merge field, left out']],
  ['{{}}.', '.', ['"": unknown merge field, left out']],
  ['{{FIRSTNAME}}.', '.', ['FIRSTNAME: unknown merge field, left out']],
  ['open {{firstName', 'open {{firstName', ['braces that are no merge field']],
  ['{{first\nName}}', '{{first\nName}}', ['braces that are no merge field']],
])('%j is warned about', (template, text, warnings) => {
  expect(renderTemplate(template, fields)).toEqual({ text, warnings });
});

test('a value is never read as a template', () => {
  const hostile = { firstName: '{{link}}', link: '{{firstName}}', a: '{{', b: 'link}}', $: '$&$1$`' };
  expect(renderTemplate('{{firstName}} {{link}} {{a}}{{b}} {{$}}', hostile)).toEqual({
    text: '{{link}} {{firstName}} {{link}} $&$1$`',
    warnings: [],
  });
});

test('what is no string of its own counts as unknown', () => {
  const odd = Object.assign(Object.create({ inherited: 'x' }) as object, { number: 7, none: null, object: {} });
  const { text, warnings } = renderTemplate('{{inherited}}{{number}}{{none}}{{object}}', odd as Record<string, string>);
  expect({ text, count: warnings.length }).toEqual({ text: '', count: 4 });
});

test('a long value and a long text are cut between characters', () => {
  const { text, warnings } = renderTemplate('{{name}}', { name: '😀'.repeat(5_000) });
  expect(text.length).toBeLessThanOrEqual(2_000);
  expect(text.isWellFormed()).toBe(true);
  expect(warnings).toEqual(['name: too long, cut']);
  const many = renderTemplate('{{x}}'.repeat(100), { x: 'x'.repeat(1_999) });
  expect(many.text).toHaveLength(16_000);
  expect(many.warnings).toEqual(['text too long, cut']);
});

test.each([
  ['Hej {{firstName}}: {{ link }}', []],
  ['{{custom.field-2}}', []],
  ['', ['is empty']],
  [' \n\u202e', ['is empty', 'control character at 2']],
  ['{{firstName', ['at 0']],
  ['a }} b {{ c', ['at 2', 'at 7']],
  ['{{}} {{1st}} {{a b}}', ['at 0', 'at 5', 'at 13']],
  ['{{a{{b}}}}', ['at 0', 'at 8']],
  ['x'.repeat(maxTemplateLength + 1), [`up to ${maxTemplateLength}`]],
  ['x'.repeat(maxTemplateLength), []],
])('validation of %j', (template, wanted) => {
  const problems = validateTemplate(template);
  expect(problems.map(({ message }) => message)).toEqual(wanted.map((part) => expect.stringContaining(part)));
});

const anything = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc
    .array(fc.constantFrom('{{', '}}', '{', '}', 'a', ' ', '\n', '\u202e', '\ud83d', '😀', '{{a}}'))
    .map((all) => all.join('')),
);

test('any text and any fields give a well-formed text without control characters', () => {
  fc.assert(
    fc.property(anything, fc.dictionary(fc.constantFrom('a', 'b', 'link'), anything), (template, given) => {
      const { text } = renderTemplate(template, given);
      expect(text.isWellFormed()).toBe(true);
      expect(text).not.toMatch(/(?!\n)\p{Cc}|[\u2028\u2029\u202a-\u202e]/u);
      expect(text).toBe(text.trim());
    }),
  );
});

test('a valid template with all its fields has no warnings, and each value stands in it as often as its field', () => {
  const parts = fc.array(fc.oneof(fc.constantFrom('{{a}}', '{{ b }}'), fc.stringMatching(/^[\w ,.:]{1,20}$/u)), {
    minLength: 1,
  });
  const plain = fc.stringMatching(/^[{}\w]{1,10}$/u).map((value) => `<${value}>`);
  fc.assert(
    fc.property(parts, plain, plain, (all, a, b) => {
      const template = `.${all.join('')}.`;
      expect(validateTemplate(template)).toEqual([]);
      const filled = all.map((part) => (part === '{{a}}' ? a : part === '{{ b }}' ? b : part)).join('');
      expect(renderTemplate(template, { a, b })).toEqual({ text: `.${filled}.`, warnings: [] });
    }),
  );
});

test('hostile braces are read in linear time', () => {
  const template = '{{'.repeat(200_000) + '}}'.repeat(200_000);
  expect(renderTemplate(template, fields).warnings).toContain('braces that are no merge field');
});
