import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isSigned, windowS } from './signature.ts';

const nowMs = 1_790_000_000_000;
const secret = 'a secret';
const text = '{"id":1}';

function sign(body: string | Buffer, { t = Math.floor(nowMs / 1_000), by = secret } = {}): string {
  return `t=${t},v1=${createHmac('sha256', by).update(`${t}.`).update(body).digest('hex')}`;
}

const check = (given: Partial<Parameters<typeof isSigned>[0]>): boolean =>
  isSigned({ header: sign(text), body: Buffer.from(text), secret, nowMs, ...given });

test('what was signed with the secret is let in, bytes of any kind', () => {
  expect(check({})).toBe(true);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => check({ body: bytes, header: sign(Buffer.from(bytes)) })),
  );
});

test('any flipped bit, of the header or of the body, is refused', () => {
  const body = Buffer.from(JSON.stringify({ id: 7, type: 'module.assigned', fields: { name: 'Hygiæne' } }));
  const header = Buffer.from(sign(body));
  for (const [what, bytes] of Object.entries({ header, body })) {
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      const given = { header: header.toString('latin1'), body };
      const tried = { ...given, ...(what === 'body' ? { body: flipped } : { header: flipped.toString('latin1') }) };
      expect(check(tried), `bit ${bit} of the ${what}`).toBe(false);
    }
  }
});

test('a byte more or less, anywhere, is refused', () => {
  fc.assert(
    fc.property(fc.string(), fc.nat(text.length), (extra, at) => {
      fc.pre(extra !== '');
      return !check({ body: Buffer.from(text.slice(0, at) + extra + text.slice(at)) });
    }),
  );
  for (let end = 0; end < text.length; end += 1) expect(check({ body: Buffer.from(text.slice(0, end)) })).toBe(false);
});

test.each([
  ['nothing', undefined],
  ['an empty one', ''],
  ['no signature', 't=1790000000'],
  ['no time', sign(text).replace(/^t=\d+,/, '')],
  ['two times', sign(text).replace('t=', 't=1,t=')],
  ['another order', sign(text).split(',').reverse().join(',')],
  ['capital letters', sign(text).replace(/v1=.*/, (mac) => mac.toUpperCase())],
  ['blanks', sign(text).replace(',', ', ')],
  ['a leading zero', sign(text, { t: nowMs / 1_000 }).replace('t=', 't=0')],
  ['a sign', sign(text).replace('t=', 't=+')],
  ['an exponent', 't=179e7,v1=' + 'a'.repeat(64)],
  ['an unknown scheme only', sign(text).replace('v1=', 'v0=')],
  ['half a signature', sign(text).slice(0, -1)],
  ['a signature and a bit', `${sign(text)}00`],
  ['five signatures', sign(text) + `,v1=${'0'.repeat(64)}`.repeat(4)],
  ['a very long one', sign(text) + ','.repeat(10_000)],
])('a header with %s is refused', (_what, header) => {
  expect(check({ header })).toBe(false);
});

test('the time may be off by five minutes, both ways, and no more', () => {
  const t = Math.floor(nowMs / 1_000);
  for (const off of [-windowS, 0, windowS]) expect(check({ header: sign(text, { t: t + off }) })).toBe(true);
  for (const off of [-windowS - 1, windowS + 1]) expect(check({ header: sign(text, { t: t + off }) })).toBe(false);
});

test('after a rotation both secrets are good, a third is not', () => {
  const oldSecret = 'the one before';
  expect(check({ oldSecret })).toBe(true);
  expect(check({ oldSecret, header: sign(text, { by: oldSecret }) })).toBe(true);
  expect(check({ header: sign(text, { by: oldSecret }) })).toBe(false);
  expect(check({ oldSecret, header: sign(text, { by: 'a third' }) })).toBe(false);
});

test('one of several signatures is enough: the sender may rotate too', () => {
  const other = `v1=${'0'.repeat(64)}`;
  expect(check({ header: sign(text).replace(',', `,${other},`) })).toBe(true);
  expect(check({ header: `${sign(text)},${other}` })).toBe(true);
});

test('without a secret nothing fits, not even what is signed with none', () => {
  for (const by of ['', '\0'.repeat(32)]) expect(check({ secret: undefined, header: sign(text, { by }) })).toBe(false);
});
