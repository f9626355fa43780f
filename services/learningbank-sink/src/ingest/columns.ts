import type { Kind } from '@orgstream/core';

/** Type of a content column; `instant` is sent as Unix milliseconds and stored as timestamptz. */
type ColumnType = 'text' | 'int' | 'boolean' | 'instant';

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  /** Value on a deletion and on a bare row; default null. */
  readonly empty?: false;
}

const text = (...names: readonly string[]): readonly Column[] => names.map((name) => ({ name, type: 'text' }));

/** Content columns of each fact table, in the order of `Fact.content`. */
export const columnsOf: Readonly<Record<Kind, readonly Column[]>> = {
  tenant: text('identifier', 'name', 'default_language'),
  unit: text('parent_id', 'name', 'unit_type', 'reference'),
  role: text('name', 'reference'),
  person: [
    ...text('first_name', 'last_name', 'email', 'language'),
    { name: 'active', type: 'boolean' },
    { name: 'admin', type: 'boolean' },
    ...text('reference'),
    { name: 'expires_at', type: 'instant' },
    { name: 'anonymised', type: 'boolean', empty: false },
  ],
  membership: [...text('person_id', 'unit_id', 'department_id'), { name: 'ordinal', type: 'int' }],
  assignment: [...text('membership_id', 'role_id'), { name: 'ordinal', type: 'int' }],
};

/** Content of a deletion. */
export function emptyOf(kind: Kind): readonly (false | null)[] {
  return columnsOf[kind].map((column) => column.empty ?? null);
}

/**
 * What of a row the marking of work must know before and after a change: a unit's type, the person of a membership, the
 * membership of an assignment, whether a person is gone. `row` is the alias of the row; the result is text.
 */
export function aspectOf(kind: Kind, row: string): string {
  switch (kind) {
    case 'unit':
      return `${row}.unit_type`;
    case 'membership':
      return `${row}.person_id`;
    case 'assignment':
      return `${row}.membership_id`;
    case 'person':
      return `(case when ${goneSql(row)} then 'gone' else 'here' end)`;
    case 'role':
    case 'tenant':
      return `null::text`;
  }
}

/** A person whose only action is deactivate (semantics.md §1, decided 10): deleted, inactive, anonymised or expired. */
export function goneSql(row: string): string {
  return `(${row}.deleted or ${row}.active is false or ${row}.anonymised or coalesce(${row}.expires_at <= now(), false))`;
}
