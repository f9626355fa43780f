import { resolveMapping } from '@orgstream/ziik-source';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RowMapper } from '../src/row-mapper.ts';
import { Tuple } from '../src/tuple.ts';
import { parseBool, parseInstant, parseLong } from '../src/values.ts';

const users = resolveMapping(undefined).find(({ name }) => name === 'users')!;
const oids = { long: 20, text: 25, bool: 16, instant: 1184 } as const;
const columns = users.columns.map(({ column, type }) => ({ name: column, typeOid: oids[type] }));

/** As COPY … TO STDOUT writes it (manual, COPY, text format). */
function copyLine(values: readonly (string | null)[]): Buffer {
  const escaped = values.map((value) =>
    value === null
      ? '\\N'
      : value.replaceAll('\\', '\\\\').replaceAll('\t', '\\t').replaceAll('\n', '\\n').replaceAll('\r', '\\r'),
  );
  return Buffer.from(`${escaped.join('\t')}\n`, 'utf8');
}

/** As pgoutput writes it. */
function tupleData(values: readonly (string | null | undefined)[]): Buffer {
  const parts: Buffer[] = [Buffer.from([values.length >> 8, values.length & 255])];
  for (const value of values) {
    if (value === null) parts.push(Buffer.from('n'));
    else if (value === undefined) parts.push(Buffer.from('u'));
    else {
      const text = Buffer.from(value, 'utf8');
      const length = Buffer.alloc(4);
      length.writeUInt32BE(text.length);
      parts.push(Buffer.from('t'), length, text);
    }
  }
  return Buffer.concat(parts);
}

const text = fc.option(
  fc.string({ unit: 'grapheme', maxLength: 30 }).map((s) => s.replaceAll('\0', '')),
  { nil: null },
);
const odd = fc.constantFrom('\\N', '\\', '\t', '\r\n', '\\t', 'x\\', '', '👩‍🍳', 'مرحبا');

test('a row streamed and the same row read by COPY become the same record', () => {
  const mapper = new RowMapper(users, columns);
  fc.assert(
    fc.property(
      fc.nat(),
      fc.nat(),
      fc.array(fc.oneof(text, odd), { minLength: 5, maxLength: 5 }),
      (id, site, words) => {
        const [first, last, email, language, reference] = words as [string, ...string[]];
        const values = [
          String(id),
          String(site),
          first,
          last!,
          email!,
          language!,
          't',
          'f',
          reference!,
          null,
          null,
          null,
        ];
        const streamed = new Tuple();
        streamed.readPgOutput(tupleData(values), 0);
        const read = new Tuple();
        read.readCopyLine(copyLine(values), values.length);
        const record = mapper.record(read);
        expect(record).toEqual(mapper.record(streamed));
        expect(record).toMatchObject({
          id,
          siteId: site,
          firstName: first,
          email,
          reference,
          active: true,
          admin: false,
        });
      },
    ),
  );
});

test('an unchanged large value is told from a null, and can be filled', () => {
  const mapper = new RowMapper(users, columns);
  const tuple = new Tuple();
  tuple.readPgOutput(tupleData(['1', '5', undefined, null, 'e', 'da', 't', 'f', 'r', null, null, null]), 0);
  expect(tuple.hasUnchanged).toBe(true);
  expect(mapper.unchanged(tuple).map(({ field }) => field)).toEqual(['firstName']);
  tuple.setText(2, 'Åse');
  expect(mapper.record(tuple)).toMatchObject({ firstName: 'Åse', lastName: null, email: 'e' });
});

test('a row with deleted_at is a deletion with ids only', () => {
  const tuple = new Tuple();
  const values = ['1', '5', 'Ann', 'B', 'a@x.org', 'da', 't', 't', 'r', null, null, '2024-01-01 00:00:00+00'];
  tuple.readPgOutput(tupleData(values), 0);
  const { position: _p, committedAtMs: _c, ...rest } = new RowMapper(users, columns).record(tuple);
  expect(Object.entries(rest).filter(([, value]) => value !== null)).toEqual([
    ['deleted', true],
    ['id', 1],
    ['siteId', 5],
  ]);
});

test('a value that its field cannot hold is absent; an id or tenant that cannot be read is refused', () => {
  const mapper = new RowMapper(
    resolveMapping(undefined)[4]!,
    ['id', 'site_id', 'user_id', 'unit_id', 'department_id', 'position'].map((name) => ({ name, typeOid: 20 })),
  );
  const tuple = new Tuple();
  tuple.readPgOutput(tupleData(['1', '5', '99999999999999999999', '2', null, 'x']), 0);
  expect(mapper.record(tuple)).toMatchObject({ id: 1, siteId: 5, userId: null, unitId: 2, ordinal: null });
  tuple.readPgOutput(tupleData(['1', null, '1', '2', null, '0']), 0);
  expect(() => mapper.record(tuple)).toThrow(expect.objectContaining({ code: 'RECORD_INVALID' }));
});

test.each([
  ['0', 0],
  ['-7', -7],
  ['9007199254740991', Number.MAX_SAFE_INTEGER],
])('integer %s', (digits, value) => {
  const bytes = Buffer.from(digits);
  expect(parseLong(bytes, 0, bytes.length)).toBe(value);
});

test.each(['', '-', '1.5', 'NaN', '9007199254740992', '1 '])('%j is no integer', (digits) => {
  const bytes = Buffer.from(digits);
  expect(() => parseLong(bytes, 0, bytes.length)).toThrow(expect.objectContaining({ code: 'RECORD_INVALID' }));
});

test.each([
  ['t', true],
  ['f', false],
  ['1', true],
  ['0', false],
])('bool %s', (word, value) => {
  const bytes = Buffer.from(word);
  expect(parseBool(bytes, 0, bytes.length)).toBe(value);
});

test.each([
  ['2024-02-29 12:34:56.789+00', 1184, Date.UTC(2024, 1, 29, 12, 34, 56, 789)],
  ['2024-02-29 12:34:56.7+05:30', 1184, Date.UTC(2024, 1, 29, 7, 4, 56, 700)],
  ['2024-02-29 12:34:56-03', 1184, Date.UTC(2024, 1, 29, 15, 34, 56)],
  ['2024-02-29 12:34:56', 1114, Date.UTC(2024, 1, 29, 12, 34, 56)],
  ['2024-02-29', 1082, Date.UTC(2024, 1, 29)],
  ['1709210096', 20, 1_709_210_096_000],
  ['infinity', 1184, 8_640_000_000_000_000],
  ['-infinity', 1184, -8_640_000_000_000_000],
  ['294276-12-31 23:59:59+00', 1184, 8_640_000_000_000_000],
  ['0001-01-01 00:00:00+00 BC', 1184, Date.parse('0000-01-01T00:00:00Z')],
])('instant %s of type %i', (word, oid, value) => {
  expect(parseInstant(word, oid)).toBe(value);
});
