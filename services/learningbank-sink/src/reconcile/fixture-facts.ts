import type { Kind } from '@orgstream/core';

/** A fact as a test says it. */
export type Said = readonly [kind: Kind, id: string, fields: Readonly<Record<string, unknown>>];

export const unit = (id: string, parentId: string | null, name: string): Said => ['unit', id, { parentId, name }];
export const role = (id: string, name: string): Said => ['role', id, { name }];
export const person = (id: string, fields: Readonly<Record<string, unknown>> = {}): Said => [
  'person',
  id,
  { firstName: `First ${id}`, lastName: `Last ${id}`, email: `p${id}@example.org`, ...fields },
];
export const member = (id: string, personId: string, unitId: string, ordinal = 0): Said => [
  'membership',
  id,
  { personId, unitId, ordinal },
];
export const assigned = (id: string, membershipId: string, roleId: string, ordinal = 0): Said => [
  'assignment',
  id,
  { membershipId, roleId, ordinal },
];
export const gone = (kind: Kind, id: string): Said => [kind, id, { deleted: true }];
