import type { AppliedPerson, Catalogue, Hint, Outcome, Policy, TargetId } from '../model.ts';
import { act, park } from './outcomes.ts';
import { behaviourOf } from './presets.ts';
import type { RoleNode } from './role-book.ts';
import { fits, loosely, maxName, trimmed } from './text.ts';

/** The role that decides on the job profile, and the profile of exactly its name. */
export interface ProfileMatch {
  readonly roleId: string;
  readonly jobProfileId: TargetId;
}

/** Roles with a job profile of exactly their name, in the order of the membership (semantics.md §1, decided 2 and 4). */
export function matches(roles: readonly RoleNode[], { jobProfiles }: Catalogue): readonly ProfileMatch[] {
  return roles.flatMap(({ id, fact }) => {
    const jobProfileId = jobProfiles.get(trimmed(fact?.name ?? null) ?? '');
    return jobProfileId === undefined ? [] : [{ roleId: id, jobProfileId }];
  });
}

/**
 * The profile to write because the person's own roles changed, if any (decided 3). Compared are role ids, so a renamed
 * role changes nothing; and a role that stood before the deciding one without deciding had no profile then: one that
 * was created later does not rewrite what may have been changed by hand.
 */
export function changedMatch(
  roles: readonly RoleNode[],
  catalogue: Catalogue,
  applied: Decided,
): ProfileMatch | undefined {
  for (const role of newRoles(roles, applied)) {
    const [match] = matches([role], catalogue);
    if (match) return match;
  }
  return undefined;
}

type Decided = Pick<AppliedPerson, 'jobProfileRoles' | 'jobProfileRole'>;

/** The person's roles that have not been asked for a profile yet, up to the one that decided. */
function newRoles(roles: readonly RoleNode[], applied: Decided): readonly RoleNode[] {
  const before = applied.jobProfileRoles;
  const decided = applied.jobProfileRole ?? null;
  const decidedAt = decided === null ? Number.POSITIVE_INFINITY : before.indexOf(decided);
  const end = roles.findIndex(({ id }) => id === decided);
  return (end < 0 ? roles : roles.slice(0, end)).filter(({ id }) => {
    const at = before.indexOf(id);
    return at < 0 || at > decidedAt;
  });
}

/**
 * The profile that has to be made first, where a preset makes what is missing: for the first role that decides, at
 * creation (no `applied`) or because it is new to the person. Made once, it is found by the next plan.
 */
export function missingProfile(
  roles: readonly RoleNode[],
  { settings, catalogue }: Policy,
  applied?: Decided,
): Outcome | undefined {
  if (behaviourOf(settings).jobProfile !== 'match_or_create') return undefined;
  const [first] = applied ? newRoles(roles, applied) : roles;
  const name = trimmed(first?.fact?.name ?? null);
  if (name === null || catalogue.jobProfiles.has(name)) return undefined;
  return fits(name, maxName)
    ? act({ op: 'job_profile.create', name })
    : park('VALUE_TOO_LONG', { field: 'jobProfile', max: maxName });
}

/** Profiles whose names differ from a role's in case, blanks or accents only. */
export function nearMisses(roles: readonly RoleNode[], catalogue: Catalogue): readonly Hint[] {
  const loose = looseNames(catalogue);
  return roles.flatMap(({ id, fact }): readonly Hint[] => {
    const name = trimmed(fact?.name ?? null);
    const jobProfileId = name === null ? undefined : loose.get(loosely(name));
    return jobProfileId === undefined ? [] : [{ code: 'JOB_PROFILE_NEAR_MISS', roleId: id, jobProfileId }];
  });
}

const looseNamesOf = new WeakMap<ReadonlyMap<string, TargetId>, ReadonlyMap<string, TargetId>>();

/** Computed once per catalogue: it is asked for at every creation without a match. */
function looseNames({ jobProfiles }: Catalogue): ReadonlyMap<string, TargetId> {
  let loose = looseNamesOf.get(jobProfiles);
  if (!loose) {
    loose = new Map([...jobProfiles].map(([name, id]) => [loosely(name), id]));
    looseNamesOf.set(jobProfiles, loose);
  }
  return loose;
}
