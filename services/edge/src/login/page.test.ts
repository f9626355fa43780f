import { createHash } from 'node:crypto';
import { codes, type ErrorCode } from '@orgstream/core';
import type { Request } from 'express';
import { describe, expect, test } from 'vitest';
import { contentSecurityPolicy, languageOf, renderPage } from './page.ts';
import { languages, statusOf, tell } from './page-texts.ts';

const all = Object.keys(codes) as ErrorCode[];

test.each(languages)('every code has a page in %s that says what to do', (language) => {
  for (const code of all) {
    const page = renderPage(code, language);
    expect(page).toContain(`<html lang="${language}">`);
    expect(page).toContain(`<code>${code}</code>`);
    const { title, what, todo } = tell(code, language);
    for (const text of [title, what, todo]) {
      expect(text).not.toBe('');
      expect(text).not.toMatch(/[<>&"]/);
      expect(page).toContain(text);
    }
  }
});

test('languages tell different people different things', () => {
  const titles = new Set(languages.map((language) => tell('LOGIN_PERSON_INACTIVE', language).title));
  expect(titles.size).toBe(languages.length);
});

test('every refusal is an error by its status', () => {
  for (const code of all) expect(statusOf(code)).toBeGreaterThanOrEqual(400);
});

describe('the page itself', () => {
  const page = renderPage('LOGIN_OFF', 'en');

  test('loads nothing, runs nothing, sends nothing', () => {
    expect(page).not.toMatch(/<(?:script|link|img|iframe|form|a|object|svg)\b|\b(?:src|href|on\w+)=|url\(|@import/i);
  });

  test('has the one style that its policy names', () => {
    const [, style = ''] = /<style>([\s\S]*?)<\/style>/.exec(page) ?? [];
    const hash = createHash('sha256').update(style).digest('base64');
    expect(contentSecurityPolicy).toContain(`style-src 'sha256-${hash}'`);
    expect(contentSecurityPolicy).not.toContain('unsafe');
  });

  test('can be read by everybody: language, title, one heading, one main part, room to zoom', () => {
    expect(page.match(/<h1>/g)).toHaveLength(1);
    expect(page.match(/<main>/g)).toHaveLength(1);
    expect(page).toMatch(/<title>[^<]+<\/title>/);
    expect(page).toContain('width=device-width, initial-scale=1">');
  });
});

describe('the language of a page', () => {
  const asking = (header: string | undefined): Request => {
    const order = (header ?? '*').split(',').map((part) => part.split(/[-;]/)[0]!.trim());
    const acceptsLanguages = (given: string[]) => order.map((one) => (one === '*' ? given[0] : given.find((known) => known === one))).find(Boolean) ?? false; // prettier-ignore
    return { acceptsLanguages } as unknown as Request;
  };

  test.each([
    ['the person’s own first', 'da', 'sv,en', 'da'],
    ['a region of it', 'de-CH', 'sv', 'de'],
    ['written otherwise', 'SV_se', 'da', 'sv'],
    ['one we do not have', 'pl', 'sv-SE,sv', 'sv'],
    ['nothing is known of the person', null, 'da-DK,da', 'da'],
    ['nothing at all', null, undefined, 'en'],
    ['nothing that we have', 'pl', 'fr,pl', 'en'],
  ])('%s', (_name, own, header, expected) => {
    expect(languageOf(asking(header), own)).toBe(expected);
  });
});
