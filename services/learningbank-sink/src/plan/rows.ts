import type { ErrorCode } from '@orgstream/core';
import { lanes } from '../model.ts';
import type { PersonFact, Resolution, Undo, WorkState } from './facts.ts';

/** Whose objects are planned. */
export interface LoadContext {
  /** Id of the integration. */
  readonly id: string;
  readonly tenant: string;
}

/**
 * The bindings of {@link LoadContext}, and a kind, as parts of a key. Not as plain values: those Postgres looks up in its
 * statistics, and a tenant that came after they were taken then seems to have one row, so that all of them are read for
 * each object.
 */
export const ourIntegration = /* sql */ `(select cast(:id as uuid))`;
export const ourTenant = /* sql */ `(select cast(:tenant as text))`;
export const ofKind = (kind: 'unit' | 'role' | 'person'): string => /* sql */ `(select '${kind}')`;

/** Link, work and resolution of the object with this id, whichever there are: `l`, `w`, `r`; each by its whole key. */
export function outerJoined(kind: 'unit' | 'role' | 'person', id: string, tables: 'lwr' | 'wr' = 'lwr'): string {
  const of = (table: string): string => /* sql */ `
       left join lateral (
         select * from sink.${table} where integration_id = ${ourIntegration} and kind = ${ofKind(kind)} and id = ${id} limit 1) ${table[0]} on true`;
  return (tables === 'lwr' ? of('link') : '') + of('work') + of('resolution');
}

/** Columns of an outer-joined `sink.link l`. */
export interface LinkColumns<A> {
  readonly target_id: string | null;
  readonly made_by_us: boolean | null;
  readonly is_top: boolean | null;
  readonly applied: A | null;
}

/** Columns of an outer-joined `sink.work w`. */
export interface WorkColumns {
  readonly work_state: WorkState | null;
  readonly lane: number | null;
}

/** Columns of outer-joined `sink.work w` and `sink.resolution r`. */
export interface DecisionColumns<A> {
  readonly undo: Undo<A> | null;
  readonly resolved: Resolution['action'] | null;
  readonly resolved_target_id: string | null;
}

export const decisionColumns = /* sql */ `w.undo, r.action as resolved, r.target_id as resolved_target_id`;

/** What an operator decided about an object; nothing where nothing was. */
export function decisions<A>({ undo, resolved, resolved_target_id }: DecisionColumns<A>): {
  readonly resolution?: Resolution;
  readonly undo?: Undo<A>;
} {
  const targetId = resolved_target_id === null ? null : Number(resolved_target_id);
  return { ...(resolved ? { resolution: { action: resolved, targetId } } : {}), ...(undo ? { undo } : {}) };
}

/** Work in the gap lane goes nowhere until it is asked for. */
export function workStateOf({ work_state, lane }: WorkColumns): WorkState | null {
  return work_state !== null && lane === lanes.gap ? 'held' : work_state;
}

/** A link row as the planner sees it; null = none. */
export function linkOf<A>(
  row: LinkColumns<A>,
): { readonly targetId: number; readonly madeByUs: boolean; readonly applied: A } | null {
  if (row.target_id === null) return null;
  return { targetId: Number(row.target_id), madeByUs: row.made_by_us === true, applied: row.applied! };
}

/** Columns of an outer-joined `sink.person f`. */
export interface PersonRow {
  readonly id: string;
  readonly known: boolean;
  readonly first_name: string | null;
  readonly last_name: string | null;
  readonly email: string | null;
  readonly language: string | null;
  readonly active: boolean | null;
  readonly expires_at_ms: string | null;
  readonly anonymised: boolean;
  readonly deleted: boolean;
  readonly explicitly_deleted: boolean;
  readonly rejected_code: ErrorCode | null;
}

/**
 * Columns of {@link PersonRow} from an outer-joined `sink.person f`. Who was marked as expired is expired, also by a clock
 * that is behind the one that marked: nothing marks them again.
 */
export const personColumns = /* sql */ `f.id is not null as known, f.first_name, f.last_name, f.email, f.language, f.active,
  case when f.expiry_marked then 0 else extract(epoch from f.expires_at) * 1000 end as expires_at_ms, coalesce(f.anonymised, false) as anonymised,
  coalesce(f.deleted, false) as deleted, coalesce(f.deleted and not f.swept, false) as explicitly_deleted, f.rejected_code`;

export function personFact(row: PersonRow): PersonFact | null {
  if (!row.known) return null;
  return {
    firstName: row.first_name,
    lastName: row.last_name,
    email: row.email,
    language: row.language,
    active: row.active,
    expiresAtMs: row.expires_at_ms === null ? null : Number(row.expires_at_ms),
    anonymised: row.anonymised,
    deleted: row.deleted,
    ...(row.explicitly_deleted ? { explicitlyDeleted: true } : {}),
    rejectedCode: row.rejected_code,
  };
}
