import { expect, test } from 'vitest';
import { qualified, quoteIdentifier, resolveMapping } from '../src/mapping.ts';
import { checkSourceName, slotNameOf } from '../src/names.ts';
import { referenceTables } from '../src/tables.ts';
import { schemas } from '@orgstream/core';

test('without a file the mapping is the reference schema, every field of every record but the frame', () => {
  const frame = new Set(['position', 'committedAtMs', 'snapshotId', 'chunk', 'deleted']);
  for (const table of resolveMapping(undefined)) {
    const fields = (schemas[table.record] as unknown as { fields: { name: string }[] }).fields
      .map(({ name }) => name)
      .filter((name) => !frame.has(name));
    expect(table.columns.map(({ field }) => field).sort()).toEqual(fields.sort());
  }
});

test('every table maps to a kind of its own', () => {
  expect(new Set(referenceTables.map(({ kind }) => kind)).size).toBe(referenceTables.length);
});

test('a file names only what differs', () => {
  const users = resolveMapping({
    tables: {
      users: { table: 'app.people', columns: { firstName: 'given', anonymisedAtMs: null, siteId: 'customer' } },
    },
  }).find(({ name }) => name === 'users')!;
  expect(qualified(users)).toBe('"app"."people"');
  expect(users).toMatchObject({ tenantColumn: 'customer', idColumn: 'id', absent: ['anonymisedAtMs'] });
  expect(users.columns.find(({ field }) => field === 'firstName')!.column).toBe('given');
  expect(users.columns.some(({ field }) => field === 'anonymisedAtMs')).toBe(false);
});

test.each([
  [{ tables: { people: {} } }, 'people'],
  [{ tables: { users: { columns: { nickname: 'x' } } } }, 'tables.users.columns.nickname'],
  [{ tables: { users: { columns: { siteId: null } } } }, 'tables.users.columns.siteId'],
  [{ tables: { users: { columns: { id: null } } } }, 'tables.users.columns.id'],
  [{ tables: { users: { table: 'a.b.c' } } }, 'tables.users.table'],
  [{ tabels: {} }, 'tabels'],
  ['users', 'mapping file'],
])('a file that does not fit is refused, naming the place: %j', (file, place) => {
  expect(() => resolveMapping(file)).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(place) }),
  );
});

test('identifiers cannot break out of their quotes', () => {
  expect(quoteIdentifier('a"; drop table x; --')).toBe('"a""; drop table x; --"');
});

test.each(['', 'EU1', 'eu_1', 'eu.1', '-eu', 'x'.repeat(41)])('%j is no source name', (name) => {
  expect(() => checkSourceName(name)).toThrow(expect.objectContaining({ code: 'USAGE' }));
});

test('slot names fit PostgreSQL and differ where source names do', () => {
  expect(slotNameOf('eu-1')).toBe('orgstream_eu_1');
  expect(slotNameOf('x'.repeat(40)).length).toBeLessThanOrEqual(63);
});
