import type { directory, Kind, Position, ziik } from '@orgstream/core';

/** A row of Ziik as it was read from `ziik.changes`, without its marker record. */
export type Change =
  | { readonly name: 'ziik.Site'; readonly value: ziik.Site }
  | { readonly name: 'ziik.Unit'; readonly value: ziik.Unit }
  | { readonly name: 'ziik.UserType'; readonly value: ziik.UserType }
  | { readonly name: 'ziik.User'; readonly value: ziik.User }
  | { readonly name: 'ziik.Membership'; readonly value: ziik.Membership }
  | { readonly name: 'ziik.MembershipUserType'; readonly value: ziik.MembershipUserType }
  | { readonly name: 'ziik.SnapshotMarker'; readonly value: ziik.SnapshotMarker };

/** A vendor-neutral fact. */
export type Fact =
  | { readonly name: 'directory.Tenant'; readonly value: directory.Tenant }
  | { readonly name: 'directory.Unit'; readonly value: directory.Unit }
  | { readonly name: 'directory.Role'; readonly value: directory.Role }
  | { readonly name: 'directory.Person'; readonly value: directory.Person }
  | { readonly name: 'directory.Membership'; readonly value: directory.Membership }
  | { readonly name: 'directory.Assignment'; readonly value: directory.Assignment }
  | { readonly name: 'directory.Rejected'; readonly value: directory.Rejected }
  | { readonly name: 'directory.SnapshotMarker'; readonly value: directory.SnapshotMarker };

/** Where a change was read: ends up in `directory.Rejected`, so that an operator finds the bytes. */
export interface Origin {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** Ziik's tables, as they stand in keys of `ziik.changes`, and the one kind each maps to. */
export const kindOfTable: ReadonlyMap<string, Kind> = new Map([
  ['sites', 'tenant'],
  ['units', 'unit'],
  ['user_types', 'role'],
  ['users', 'person'],
  ['memberships', 'membership'],
  ['membership_user_types', 'assignment'],
] as const);

/**
 * One change → its facts, at least one; pure. A row that lacks what its fact cannot do without becomes a
 * `directory.Rejected` (FACT_INVALID, naming the column, never a value): it parks that object until its next good record.
 * A deletion is never rejected: ids are all it needs.
 */
export function map(tenant: string, change: Change, origin: Origin): readonly [Fact, ...Fact[]] {
  switch (change.name) {
    case 'ziik.SnapshotMarker': {
      const { siteId: _, ...marker } = change.value;
      return [{ name: 'directory.SnapshotMarker', value: { ...marker, tenant } }];
    }
    case 'ziik.Site': {
      const { identifier, name, defaultLanguage } = change.value;
      return [
        { name: 'directory.Tenant', value: { ...envelope(tenant, change.value), identifier, name, defaultLanguage } },
      ];
    }
    case 'ziik.Unit':
      return [unit(tenant, change.value, origin)];
    case 'ziik.UserType':
      return [role(tenant, change.value, origin)];
    case 'ziik.User':
      return [person(tenant, change.value, origin)];
    case 'ziik.Membership':
      return [membership(tenant, change.value, origin)];
    case 'ziik.MembershipUserType':
      return [assignment(tenant, change.value, origin)];
  }
}

function unit(tenant: string, row: ziik.Unit, origin: Origin): Fact {
  if (!row.deleted && row.name === null) return missing(tenant, 'unit', row, 'name', origin);
  const { name, unitType, reference } = row;
  return {
    name: 'directory.Unit',
    value: { ...envelope(tenant, row), parentId: id(row.parentId), name, unitType, reference },
  };
}

function role(tenant: string, row: ziik.UserType, origin: Origin): Fact {
  if (!row.deleted && row.name === null) return missing(tenant, 'role', row, 'name', origin);
  const { name, reference } = row;
  return { name: 'directory.Role', value: { ...envelope(tenant, row), name, reference } };
}

function person(tenant: string, row: ziik.User, origin: Origin): Fact {
  if (!row.deleted && row.active === null) return missing(tenant, 'person', row, 'active', origin);
  const { firstName, lastName, email, language, active, admin, reference, expiresAtMs } = row;
  const anonymised = row.anonymisedAtMs !== null;
  return {
    name: 'directory.Person',
    value: {
      ...envelope(tenant, row),
      firstName,
      lastName,
      email,
      language,
      active,
      admin,
      reference,
      expiresAtMs,
      anonymised,
    },
  };
}

function membership(tenant: string, row: ziik.Membership, origin: Origin): Fact {
  if (!row.deleted && row.userId === null) return missing(tenant, 'membership', row, 'user_id', origin);
  if (!row.deleted && row.unitId === null) return missing(tenant, 'membership', row, 'unit_id', origin);
  const { ordinal } = row;
  return {
    name: 'directory.Membership',
    value: {
      ...envelope(tenant, row),
      personId: id(row.userId),
      unitId: id(row.unitId),
      departmentId: id(row.departmentId),
      ordinal,
    },
  };
}

function assignment(tenant: string, row: ziik.MembershipUserType, origin: Origin): Fact {
  if (!row.deleted && row.membershipId === null) return missing(tenant, 'assignment', row, 'membership_id', origin);
  if (!row.deleted && row.userTypeId === null) return missing(tenant, 'assignment', row, 'user_type_id', origin);
  const { ordinal } = row;
  return {
    name: 'directory.Assignment',
    value: { ...envelope(tenant, row), membershipId: id(row.membershipId), roleId: id(row.userTypeId), ordinal },
  };
}

interface Envelope {
  readonly position: Position;
  readonly committedAtMs: number;
  readonly snapshotId: string | null;
  readonly chunk: number | null;
  readonly deleted: boolean;
}

function envelope(
  tenant: string,
  row: Envelope & { readonly id: number },
): Envelope & { readonly tenant: string; readonly id: string } {
  const { position, committedAtMs, snapshotId, chunk, deleted } = row;
  return { position, committedAtMs, snapshotId, chunk, deleted, tenant, id: String(row.id) };
}

function id(value: number | null): string | null {
  return value === null ? null : String(value);
}

function missing(
  tenant: string,
  kind: Kind,
  row: Envelope & { readonly id: number },
  column: string,
  origin: Origin,
): Fact {
  return rejected({
    ...row,
    tenant,
    kind,
    id: String(row.id),
    code: 'FACT_INVALID',
    cause: `${column} is missing`,
    origin,
  });
}

/** Stands for a fact that could not be mapped. */
export function rejected(of: {
  readonly position: Position;
  readonly committedAtMs: number;
  readonly snapshotId: string | null;
  readonly chunk: number | null;
  readonly tenant: string;
  readonly kind: Kind;
  readonly id: string;
  readonly code: string;
  readonly cause: string;
  readonly origin: Origin;
}): Fact {
  const { position, committedAtMs, snapshotId, chunk, tenant, kind, code, cause, origin } = of;
  return {
    name: 'directory.Rejected',
    value: {
      position,
      committedAtMs,
      snapshotId,
      chunk,
      tenant,
      kind,
      id: of.id,
      code,
      cause,
      originTopic: origin.topic,
      originPartition: origin.partition,
      originOffset: origin.offset,
    },
  };
}
