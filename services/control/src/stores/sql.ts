/** A timestamp as text that sorts as it does and loses nothing: part of a cursor. */
export const instantKey = (column: string): string =>
  `to_char(${column} at time zone 'utc', 'YYYY-MM-DD HH24:MI:SS.US') || '+00'`;

/** Names of objects, from the facts: joins on `alias.kind` and `alias.id` for the tenant in :tenant. */
export const nameJoins = (alias: string): string => /* sql */ `
  left join sink.person np on ${alias}.kind = 'person' and np.tenant = :tenant and np.id = ${alias}.id
  left join sink.unit nu on ${alias}.kind = 'unit' and nu.tenant = :tenant and nu.id = ${alias}.id
  left join sink.role nr on ${alias}.kind = 'role' and nr.tenant = :tenant and nr.id = ${alias}.id`;

export const nameColumn = `coalesce(nullif(trim(concat_ws(' ', np.first_name, np.last_name)), ''), nu.name, nr.name) as name`;

export const iso = (date: Date | null): string | null => date?.toISOString() ?? null;
export const laneNames = ['leaver', 'live', 'bulk', 'gap'] as const;
