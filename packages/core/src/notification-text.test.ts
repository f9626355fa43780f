import { describe, expect, test } from 'vitest';
import { chooseText, knownFields } from './notification-text.ts';

const base = { texts: {}, language: 'da', defaultLanguage: 'en', body: null, name: 'Module assigned' };

describe('the text of a notification', () => {
  const texts = { da: 'dansk', 'pt-BR': 'brasil', pt: 'portugal', en: 'english', '': 'for all' };
  test.each([
    ['da', 'dansk', 'da'],
    ['DA', 'dansk', 'da'],
    ['da-DK', 'dansk', 'da'],
    ['pt-br', 'brasil', 'pt-BR'],
    ['pt-PT', 'portugal', 'pt'],
    ['sv', 'english', 'en'],
    [null, 'english', 'en'],
  ])('of who reads %s is %s', (language, template, used) => {
    expect(chooseText({ ...base, texts, language })).toEqual({ template, from: 'own', language: used });
  });

  test("without one in the channel's language it is the one for all, then Learningbank's, then name and link", () => {
    const { en: _, ...others } = texts;
    expect(chooseText({ ...base, texts: others, language: 'sv' })).toMatchObject({ template: 'for all', language: '' });
    expect(chooseText({ ...base, texts: { fi: 'x' }, body: 'Hi' })).toEqual({
      template: 'Hi',
      from: 'learningbank',
      language: null,
    });
    expect(chooseText({ ...base, texts: { da: '  ' }, body: ' ' })).toMatchObject({
      template: 'Module assigned {{link}}',
      from: 'fallback',
    });
  });

  test('the name of a type is no template, and a key of Object no language', () => {
    expect(chooseText({ ...base, name: '{{email}}' }).template).toBe('email {{link}}');
    expect(chooseText({ ...base, language: '__proto__' }).from).toBe('fallback');
    expect(chooseText({ ...base, language: 'constructor' }).from).toBe('fallback');
  });
});

test("fields are the common ones and those of Learningbank's text, once each", () => {
  expect(knownFields('{{ courseId }} {{link}} {{courseId}} {{ }}').slice(-2)).toEqual(['link', 'courseId']);
  expect(knownFields(null)).toContain('deadline');
});
