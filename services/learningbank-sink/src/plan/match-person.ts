import type { AppliedPerson, Candidate, Outcome, TargetId } from '../model.ts';
import { marker, type Policy } from '../model.ts';
import { adoptable } from './adoptable.ts';
import type { DesiredPerson } from './desired-person.ts';
import type { EmailTwin } from './facts.ts';
import type { PersonInput } from './input.ts';
import { matches } from './job-profile.ts';
import { isErased, isLeaver } from './leaver.ts';
import { act, conflict, park, waitFor } from './outcomes.ts';
import { ownerMark } from './protected.ts';
import { isListedOut } from './scope.ts';
import { compareIds, fits, maxEmail, sameEmail, trimmed } from './text.ts';

/**
 * Somebody of ours is linked with the wanted e-mail (decided 9). Undefined when nobody is. The first linked keeps it;
 * who is about to give it up is waited for; an inactive holder is probably the same human being, hired again.
 */
export function emailTaken(input: PersonInput, email: string, policy: Policy): Outcome | undefined {
  const holder = input.emailHolder;
  if (!holder || holder.id === input.id) return undefined;
  const gone = !holder.active || (holder.fact !== null && isLeaver(holder.fact, policy.nowMs));
  if (gone && !input.link) return conflict('REHIRE', { person: holder.id });
  const moves = holder.fact !== null && !holder.fact.rejectedCode && !isListedOut(holder.id, holder.fact, policy);
  const wanted = moves ? trimmed(holder.fact!.email) : null;
  const leaves = !gone && wanted !== null && fits(wanted, maxEmail) && !sameEmail(wanted, email);
  if (leaves && !holder.inCycle) return waitFor('person', holder.id);
  return park('EMAIL_TAKEN', { person: holder.id });
}

/** Another unlinked person with this e-mail, who comes first and is about to be dealt with. */
export function earlierTwin(input: PersonInput, policy: Policy): Outcome | undefined {
  const rank = (fact: EmailTwin['fact'] | null): number => (fact && isLeaver(fact, policy.nowMs) ? 1 : 0);
  const own = rank(input.fact);
  const first = input.twins.find(({ id, fact, work }) => {
    if (isErased(fact) || work !== 'ready' || isListedOut(id, fact, policy)) return false;
    return rank(fact) === own ? compareIds(id, input.id) < 0 : rank(fact) < own;
  });
  return first && waitFor('person', first.id, 'EMAIL_TAKEN');
}

/**
 * What a first look at the target found: by marker it is ours from before a crash; by e-mail it is adopted, unless it is
 * linked elsewhere, inactive, or matched by two people: a match case, never a silent take-over (decided 8).
 * Undefined when there is nothing to link: create.
 */
export function matchPerson(
  input: PersonInput,
  candidates: readonly Candidate[],
  desired: DesiredPerson,
  policy: Policy,
): Outcome | undefined {
  const externalId = marker(policy.tenant, 'person', input.id);
  const own = candidates.find((candidate) => candidate.externalId === externalId);
  const chosen = adoptable(candidates, input.resolution);
  const found =
    own ?? chosen ?? candidates.find(({ applied }) => 'email' in applied && sameEmail(applied.email, desired.email));
  if (!found) return undefined;
  const { targetId, linkedBy } = found;
  if (linkedBy?.scope === 'elsewhere') return conflict('LINKED_ELSEWHERE', { targetId });
  if (linkedBy) return park('EMAIL_TAKEN', { person: linkedBy.id });
  const user = found.applied as AppliedPerson;
  if (!own && !chosen) {
    if (!user.active) return conflict('MATCH_INACTIVE', { targetId });
    const rivals = input.twins.filter(
      ({ id, fact }) => !isErased(fact) && !isLeaver(fact, policy.nowMs) && !isListedOut(id, fact, policy),
    );
    if (rivals.length > 0) return conflict('MATCHED_TWICE', { targetId, people: rivals.map(({ id }) => id) });
  }
  const after = own ? asMade(user, desired, input, policy) : asAdopted(user, desired, input, policy);
  return act({ op: 'link', targetId, madeByUs: own !== undefined, isTop: false, after });
}

/** We created it: every permission type of a role of ours was assigned by us, but for those given as a default. */
function asMade(user: AppliedPerson, desired: DesiredPerson, { roles }: PersonInput, policy: Policy): AppliedPerson {
  const match = matches(desired.roles, policy.catalogue)[0];
  const { defaults } = policy.settings;
  const written = match?.jobProfileId ?? defaults.jobProfileId;
  const isOurs = (id: TargetId): boolean =>
    roles.at(id) !== undefined && (desired.permissionTypeIds.includes(id) || !defaults.permissionTypeIds.includes(id));
  return {
    ...user,
    ...ownerMark(user.permissionTypeIds, policy.catalogue),
    permissionTypeIds: user.permissionTypeIds.filter(isOurs),
    jobProfileId: written === user.jobProfileId ? written : null,
    jobProfileRoles: desired.roles.map(({ id }) => id),
    jobProfileRole: match?.roleId ?? null,
  };
}

/**
 * Of its permission types only those that we made count as ours; the job profile is kept as it is: it is written at
 * creation and when the person's own role changes, and adoption is neither (decided 3).
 */
function asAdopted(user: AppliedPerson, desired: DesiredPerson, { roles }: PersonInput, policy: Policy): AppliedPerson {
  return {
    ...user,
    ...ownerMark(user.permissionTypeIds, policy.catalogue),
    permissionTypeIds: user.permissionTypeIds.filter((id) => roles.at(id)?.link?.madeByUs),
    jobProfileId: null,
    jobProfileRoles: desired.roles.map(({ id }) => id),
    jobProfileRole: matches(desired.roles, policy.catalogue)[0]?.roleId ?? null,
  };
}
