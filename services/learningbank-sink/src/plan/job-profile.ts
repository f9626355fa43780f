import type { AppliedPerson, Catalogue, Hint, TargetId } from '../model.ts';
import type { RoleNode } from './role-book.ts';
import { loosely, trimmed } from './text.ts';

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
  applied: Pick<AppliedPerson, 'jobProfileRoles' | 'jobProfileRole'>,
): ProfileMatch | undefined {
  const before = applied.jobProfileRoles;
  const decided = applied.jobProfileRole ?? null;
  const decidedAt = decided === null ? Number.POSITIVE_INFINITY : before.indexOf(decided);
  for (const role of roles) {
    if (role.id === decided) return undefined;
    const [match] = matches([role], catalogue);
    const at = before.indexOf(role.id);
    if (match && (at < 0 || at > decidedAt)) return match;
  }
  return undefined;
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
