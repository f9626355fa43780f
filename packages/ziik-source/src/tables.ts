import type { Kind, Records } from '@orgstream/core';

/** Record types of captured tables. */
export type RecordName = Exclude<Extract<keyof Records, `ziik.${string}`>, 'ziik.SnapshotMarker'>;

/** How a column's text becomes a field of the record. `instant` takes timestamps, dates and Unix seconds. */
export type FieldType = 'long' | 'text' | 'bool' | 'instant';

export interface ReferenceField {
  /** Field of the Avro record. */
  readonly field: string;
  /** Column of the reference schema. */
  readonly column: string;
  readonly type: FieldType;
}

/** A table of the reference schema and the record its rows become. */
export interface ReferenceTable {
  /** Name in the reference schema; the middle part of every key. */
  readonly name: TableName;
  readonly record: RecordName;
  /** Fact kind the table maps to; one table, one kind, so that snapshots can be counted by kind. */
  readonly kind: Kind;
  /** Field that holds the tenant: `siteId`, or `id` on `sites` itself. */
  readonly tenantField: 'siteId' | 'id';
  /** Set = deleted; undefined where rows vanish by DELETE only. */
  readonly deletedField: string | undefined;
  readonly fields: readonly ReferenceField[];
}

export const tableNames = ['sites', 'units', 'user_types', 'users', 'memberships', 'membership_user_types'] as const;
export type TableName = (typeof tableNames)[number];

const id: ReferenceField = { field: 'id', column: 'id', type: 'long' };
const siteId: ReferenceField = { field: 'siteId', column: 'site_id', type: 'long' };
const deletedAt: ReferenceField = { field: 'deletedAtMs', column: 'deleted_at', type: 'instant' };
const text = (field: string, column: string): ReferenceField => ({ field, column, type: 'text' });
const long = (field: string, column: string): ReferenceField => ({ field, column, type: 'long' });
const bool = (field: string, column: string): ReferenceField => ({ field, column, type: 'bool' });
const instant = (field: string, column: string): ReferenceField => ({ field, column, type: 'instant' });

const ofTenant = { tenantField: 'siteId' } as const;

/** Ziik's reference schema (design: ziik-cdc), in the order snapshots read it: parents before children. */
export const referenceTables: readonly ReferenceTable[] = [
  {
    name: 'sites',
    record: 'ziik.Site',
    kind: 'tenant',
    tenantField: 'id',
    deletedField: undefined,
    fields: [id, text('identifier', 'identifier'), text('name', 'name'), text('defaultLanguage', 'default_language')],
  },
  {
    name: 'units',
    record: 'ziik.Unit',
    kind: 'unit',
    ...ofTenant,
    deletedField: 'deletedAtMs',
    fields: [
      id,
      siteId,
      long('parentId', 'parent_id'),
      text('name', 'name'),
      text('unitType', 'unit_type'),
      text('reference', 'reference'),
      deletedAt,
    ],
  },
  {
    name: 'user_types',
    record: 'ziik.UserType',
    kind: 'role',
    ...ofTenant,
    deletedField: 'deletedAtMs',
    fields: [id, siteId, text('name', 'name'), text('reference', 'reference'), deletedAt],
  },
  {
    name: 'users',
    record: 'ziik.User',
    kind: 'person',
    ...ofTenant,
    deletedField: 'deletedAtMs',
    fields: [
      id,
      siteId,
      text('firstName', 'first_name'),
      text('lastName', 'last_name'),
      text('email', 'email'),
      text('language', 'language'),
      bool('active', 'active'),
      bool('admin', 'admin'),
      text('reference', 'reference'),
      instant('expiresAtMs', 'expires_at'),
      instant('anonymisedAtMs', 'anonymised_at'),
      deletedAt,
    ],
  },
  {
    name: 'memberships',
    record: 'ziik.Membership',
    kind: 'membership',
    ...ofTenant,
    deletedField: undefined,
    fields: [
      id,
      siteId,
      long('userId', 'user_id'),
      long('unitId', 'unit_id'),
      long('departmentId', 'department_id'),
      long('ordinal', 'position'),
    ],
  },
  {
    name: 'membership_user_types',
    record: 'ziik.MembershipUserType',
    kind: 'assignment',
    ...ofTenant,
    deletedField: undefined,
    fields: [
      id,
      siteId,
      long('membershipId', 'membership_id'),
      long('userTypeId', 'user_type_id'),
      long('ordinal', 'position'),
    ],
  },
];
