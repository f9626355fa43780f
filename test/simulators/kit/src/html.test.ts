import { expect, test } from 'vitest';
import { html } from './html.ts';

test('values are escaped, in text and in attributes', () => {
  const name = `<script>"x" & 'y'`;
  expect(html`<a title="${name}">${name}</a>`.text).toBe(
    '<a title="&#60;script&#62;&#34;x&#34; &#38; &#39;y&#39;">&#60;script&#62;&#34;x&#34; &#38; &#39;y&#39;</a>',
  );
});

test('pieces and lists of pieces are not escaped again; nothing is nothing', () => {
  const items = ['a<', 'b'].map((item) => html`<i>${item}</i>`);
  const shown = html`<b>${items}${null}${undefined}${0}</b>`.text;
  expect(shown.replaceAll(/\s/g, '')).toBe('<b><i>a&#60;</i><i>b</i>0</b>');
});
