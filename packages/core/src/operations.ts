/**
 * What bringing one object into step does to it, in the words of operators. Departments of a person changing is `move`,
 * a person's name changing is `rename`. `adopt` = an existing target object is linked.
 */
export const operations = [
  'create',
  'adopt',
  'reactivate',
  'deactivate',
  'delete',
  'move',
  'rename',
  'permission_added',
  'permission_removed',
  'email_changed',
  'job_profile_changed',
  'dates_changed',
] as const;
export type Operation = (typeof operations)[number];

/** Operations that the brake counts (semantics.md §7.2). */
export const brakedOperations = [
  'create',
  'deactivate',
  'delete',
  'move',
  'rename',
  'permission_removed',
  'email_changed',
  'job_profile_changed',
] as const satisfies readonly Operation[];
export type BrakedOperation = (typeof brakedOperations)[number];

/** What the brake lets through of one operation (semantics.md §7.2). Shares are 0..1. */
export interface BrakeLimit {
  /** Objects. */
  readonly count: number;
  /** Of the linked active objects of the kind, within 10 minutes. */
  readonly share: number;
  /** The same within 24 hours. */
  readonly dayShare: number;
}

/** Tripped above count *and* share of the linked active objects of the kind, over what was applied plus what is pending. */
export const defaultBrake: Readonly<Record<BrakedOperation, BrakeLimit>> = {
  deactivate: { count: 5, share: 0.05, dayShare: 0.1 },
  delete: { count: 5, share: 0.05, dayShare: 0.1 },
  permission_removed: { count: 5, share: 0.05, dayShare: 0.1 },
  move: { count: 20, share: 0.2, dayShare: 0.2 },
  rename: { count: 20, share: 0.2, dayShare: 0.2 },
  email_changed: { count: 20, share: 0.2, dayShare: 0.2 },
  job_profile_changed: { count: 20, share: 0.2, dayShare: 0.2 },
  create: { count: 50, share: 0.5, dayShare: 0.5 },
};
