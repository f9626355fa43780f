import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ziik } from '@orgstream/core';
import { kindOfTable, map, type Change } from './map.ts';

const origin = { topic: 'ziik.changes', partition: 3, offset: 17 };
const envelope = {
  position: { epoch: 5, lsn: 900, seq: 2, last: true },
  committedAtMs: 1_700_000_000_000,
  snapshotId: null,
  chunk: null,
  deleted: false,
};
const user: ziik.User = {
  ...envelope,
  id: 7,
  siteId: 42,
  firstName: 'Ane',
  lastName: 'Holm',
  email: 'ane@example.test',
  language: 'da',
  active: true,
  admin: false,
  reference: null,
  expiresAtMs: null,
  anonymisedAtMs: null,
  deletedAtMs: null,
};

describe('map', () => {
  test('a user becomes a person with string ids, the tenant of the key and the position of the row', () => {
    expect(map('eu1.42', { name: 'ziik.User', value: user }, origin)).toEqual([
      {
        name: 'directory.Person',
        value: {
          ...envelope,
          tenant: 'eu1.42',
          id: '7',
          firstName: 'Ane',
          lastName: 'Holm',
          email: 'ane@example.test',
          language: 'da',
          active: true,
          admin: false,
          reference: null,
          expiresAtMs: null,
          anonymised: false,
        },
      },
    ]);
  });

  test('an anonymised user is marked, whatever its placeholders say', () => {
    const [fact] = map('eu1.42', { name: 'ziik.User', value: { ...user, anonymisedAtMs: 1 } }, origin);
    expect(fact.value).toMatchObject({ anonymised: true });
  });

  test('a department becomes a unit of that type', () => {
    const row: ziik.Unit = {
      ...envelope,
      id: 1,
      siteId: 42,
      parentId: 9,
      name: 'Bakery',
      unitType: 'department',
      reference: null,
      deletedAtMs: null,
    };
    expect(map('eu1.42', { name: 'ziik.Unit', value: row }, origin)[0].value).toMatchObject({
      parentId: '9',
      unitType: 'department',
    });
  });

  test.each<[string, string, Change]>([
    [
      'unit',
      'name',
      {
        name: 'ziik.Unit',
        value: {
          ...envelope,
          id: 1,
          siteId: 42,
          parentId: null,
          name: null,
          unitType: 'unit',
          reference: null,
          deletedAtMs: null,
        },
      },
    ],
    [
      'role',
      'name',
      {
        name: 'ziik.UserType',
        value: { ...envelope, id: 1, siteId: 42, name: null, reference: null, deletedAtMs: null },
      },
    ],
    ['person', 'active', { name: 'ziik.User', value: { ...user, active: null } }],
    [
      'membership',
      'user_id',
      {
        name: 'ziik.Membership',
        value: { ...envelope, id: 1, siteId: 42, userId: null, unitId: 1, departmentId: null, ordinal: 0 },
      },
    ],
    [
      'membership',
      'unit_id',
      {
        name: 'ziik.Membership',
        value: { ...envelope, id: 1, siteId: 42, userId: 1, unitId: null, departmentId: null, ordinal: 0 },
      },
    ],
    [
      'assignment',
      'membership_id',
      {
        name: 'ziik.MembershipUserType',
        value: { ...envelope, id: 1, siteId: 42, membershipId: null, userTypeId: 1, ordinal: 0 },
      },
    ],
    [
      'assignment',
      'user_type_id',
      {
        name: 'ziik.MembershipUserType',
        value: { ...envelope, id: 1, siteId: 42, membershipId: 1, userTypeId: null, ordinal: 0 },
      },
    ],
  ])('a %s without %s is rejected under its own ids, and names the column', (kind, column, change) => {
    expect(map('eu1.42', change, origin)).toEqual([
      {
        name: 'directory.Rejected',
        value: {
          position: envelope.position,
          committedAtMs: envelope.committedAtMs,
          snapshotId: null,
          chunk: null,
          tenant: 'eu1.42',
          kind,
          id: String(change.name === 'ziik.SnapshotMarker' ? '' : change.value.id),
          code: 'FACT_INVALID',
          cause: `${column} is missing`,
          originTopic: 'ziik.changes',
          originPartition: 3,
          originOffset: 17,
        },
      },
    ]);
  });

  test('a deletion needs nothing but its ids', () => {
    const gone: ziik.Unit = {
      ...envelope,
      deleted: true,
      id: 1,
      siteId: 42,
      parentId: null,
      name: null,
      unitType: null,
      reference: null,
      deletedAtMs: null,
    };
    expect(map('eu1.42', { name: 'ziik.Unit', value: gone }, origin)).toMatchObject([
      { name: 'directory.Unit', value: { deleted: true, id: '1' } },
    ]);
  });

  test('a snapshot marker keeps its counts and gains the tenant', () => {
    const marker: ziik.SnapshotMarker = {
      siteId: 42,
      position: envelope.position,
      committedAtMs: 1,
      snapshotId: 's',
      phase: 'end',
      chunks: [{ no: 1, kind: 'unit', rows: 3 }],
    };
    const [fact] = map('eu1.42', { name: 'ziik.SnapshotMarker', value: marker }, origin);
    expect(fact.value).toEqual({
      tenant: 'eu1.42',
      position: envelope.position,
      committedAtMs: 1,
      snapshotId: 's',
      phase: 'end',
      chunks: [{ no: 1, kind: 'unit', rows: 3 }],
    });
  });

  test('each table maps to exactly one kind', () => {
    expect(new Set(kindOfTable.values()).size).toBe(kindOfTable.size);
  });

  test('map is pure: the same change gives the same facts, at least one, and exactly one inherits `last`', () => {
    const text = fc.option(fc.string({ maxLength: 40, unit: 'grapheme' }), { nil: null });
    const row = fc.record({
      firstName: text,
      lastName: text,
      email: text,
      active: fc.option(fc.boolean(), { nil: null }),
      deleted: fc.boolean(),
    });
    fc.assert(
      fc.property(row, (fields) => {
        const change: Change = { name: 'ziik.User', value: { ...user, ...fields } };
        const facts = map('eu1.42', change, origin);
        expect(facts).toEqual(map('eu1.42', change, origin));
        expect(facts.filter((f) => f.value.position.last)).toHaveLength(1);
      }),
    );
  });
});
