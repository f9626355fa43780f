import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createSecretBox } from './secret-box.ts';

const [a, b] = [`a:${'1'.repeat(64)}`, `b:${'2'.repeat(64)}`];

describe('secret box', () => {
  test('what was sealed is opened, whatever it is', () => {
    const box = createSecretBox(a);
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (text) => box.open(box.seal(text)) === text));
  });

  test('the same text is sealed differently each time, and is not in the bytes', () => {
    const box = createSecretBox(a);
    const [one, two] = [box.seal('password-1'), box.seal('password-1')];
    expect(one.sealed.equals(two.sealed)).toBe(false);
    expect(one.sealed.includes('password')).toBe(false);
  });

  test('after a rotation the old key still opens, the new one seals', () => {
    const old = createSecretBox(a).seal('x');
    const rotated = createSecretBox(`${b},${a}`);
    expect(rotated.open(old)).toBe('x');
    expect(rotated.seal('y').keyId).toBe('b');
  });

  test('a changed byte is noticed', () => {
    const box = createSecretBox(a);
    const { keyId, sealed } = box.seal('x');
    for (let i = 0; i < sealed.length; i += 1) {
      const changed = Buffer.from(sealed);
      changed[i]! ^= 1;
      expect(() => box.open({ keyId, sealed: changed })).toThrow(
        expect.objectContaining({ code: 'SECRET_UNREADABLE' }),
      );
    }
  });

  test('an unknown key names itself', () => {
    expect(() => createSecretBox(b).open(createSecretBox(a).seal('x'))).toThrow(/key a is not in ORGSTREAM_SECRET_KEY/);
  });
});
