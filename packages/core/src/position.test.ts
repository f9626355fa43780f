import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { comparePositions, compareVersions, formatLsn, nextEpoch, parseLsn } from './position.ts';

const position = fc.record({ epoch: fc.nat(3), lsn: fc.nat(3), seq: fc.nat(3) });
const version = fc.record({ epoch: fc.nat(2), lsn: fc.nat(2), seq: fc.nat(2), offset: fc.nat(2) });

describe('position', () => {
  test.each([
    [
      { epoch: 2, lsn: 1, seq: 1 },
      { epoch: 1, lsn: 9, seq: 9 },
    ],
    [
      { epoch: 1, lsn: 2, seq: 0 },
      { epoch: 1, lsn: 1, seq: 9 },
    ],
    [
      { epoch: 1, lsn: 1, seq: 1 },
      { epoch: 1, lsn: 1, seq: 0 },
    ],
  ])('%j is newer than %j', (newer, older) => {
    expect(comparePositions(newer, older)).toBeGreaterThan(0);
    expect(comparePositions(older, newer)).toBeLessThan(0);
  });

  test('at equal positions the later in the log wins', () => {
    const at = { epoch: 1, lsn: 1, seq: 1 };
    expect(compareVersions({ ...at, offset: 8 }, { ...at, offset: 7 })).toBeGreaterThan(0);
  });

  test('the order is total: antisymmetric and transitive', () => {
    fc.assert(
      fc.property(version, version, version, (a, b, c) => {
        expect(Math.sign(compareVersions(a, b)) + Math.sign(compareVersions(b, a))).toBe(0);
        if (compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0)
          expect(compareVersions(a, c)).toBeLessThanOrEqual(0);
      }),
    );
  });

  test('equal exactly when all three parts are', () => {
    fc.assert(
      fc.property(position, position, (a, b) => {
        expect(comparePositions(a, b) === 0).toBe(a.epoch === b.epoch && a.lsn === b.lsn && a.seq === b.seq);
      }),
    );
  });
});

describe('LSN', () => {
  test.each([
    ['0/0', 0],
    ['0/194B7E0', 26_523_616],
    ['16/B374D848', 97_500_059_720],
    ['1FFFFF/FFFFFFFF', Number.MAX_SAFE_INTEGER],
  ])('%s is %d, and back', (text, lsn) => {
    expect(parseLsn(text)).toBe(lsn);
    expect(formatLsn(lsn)).toBe(text);
  });

  test.each(['', '16', '16/', '/B3', '16/B374D8480', 'x/y', '200000/0'])('%j is none', (text) => {
    expect(() => parseLsn(text)).toThrow(RangeError);
  });

  test('round trip of any', () => {
    fc.assert(fc.property(fc.maxSafeNat(), (lsn) => parseLsn(formatLsn(lsn)) === lsn));
  });
});

describe('epoch', () => {
  test.each([
    [0, 1_700_000_000_000, 1_700_000_000],
    [1_800_000_000, 1_700_000_000_000, 1_800_000_001],
  ])('after %d at %d ms comes %d: it always rises', (stored, nowMs, next) => {
    expect(nextEpoch(stored, nowMs)).toBe(next);
  });
});
