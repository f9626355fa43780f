import { createHash } from 'node:crypto';
import type { ErrorCode } from '@orgstream/core';
import type { Request } from 'express';
import { languages, tell, type Language } from './page-texts.ts';

const style = `body{margin:0;font:1.125rem/1.5 system-ui,sans-serif;color:#1d2433;background:#fff}
main{max-width:32rem;margin:0 auto;padding:3rem 1.5rem}
h1{font-size:1.5rem;line-height:1.25}
small{color:#4a5468}
@media(prefers-color-scheme:dark){body{color:#f2f4f8;background:#141821}small{color:#b6bfd0}}`;

/** Nothing is loaded, framed, run or sent: one style, known by its hash. */
export const contentSecurityPolicy = [
  `default-src 'none'`,
  `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  `base-uri 'none'`,
  `form-action 'none'`,
  `frame-ancestors 'none'`,
].join('; ');

/** A page that says why somebody is not let in, what to do about it, and the code for whoever is asked. Nothing else is on it. */
export function renderPage(code: ErrorCode, language: Language): string {
  const { title, what, todo } = tell(code, language);
  return `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title}</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>${title}</h1>
<p>${what}</p>
<p><strong>${todo}</strong></p>
<p><small>${codeWord[language]}: <code>${code}</code></small></p>
</main>
</body>
</html>
`;
}

const codeWord: Readonly<Record<Language, string>> = { en: 'Code', da: 'Kode', sv: 'Kod', de: 'Code' };

/** The person's own language as the source has it, else what the browser asks for, else English. */
export function languageOf(request: Request, own: string | null): Language {
  const mine = own?.toLowerCase().split(/[-_]/)[0];
  const known = languages.find((one) => one === mine);
  return known ?? ((request.acceptsLanguages([...languages]) || 'en') as Language);
}
