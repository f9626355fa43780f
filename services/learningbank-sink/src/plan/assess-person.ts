import type { Operation } from '@orgstream/core';
import type { Action, AppliedPerson, Assessment, PersonLink, Policy } from '../model.ts';
import { profileToCome, withUnitsAndRoles } from './assumed.ts';
import { desiredPerson, type DesiredPerson } from './desired-person.ts';
import type { PersonFact } from './facts.ts';
import type { PersonInput } from './input.ts';
import { matches, nearMisses } from './job-profile.ts';
import { codeOf, leftAlone, type Judged } from './judged.ts';
import { isLeaver, isToBeDeleted } from './leaver.ts';
import { operationsOf } from './operations-of.ts';
import { desiredTerms, shownTerms } from './person-terms.ts';
import { planPerson, standing } from './plan-person.ts';

/** What bringing a person's user into step means as a whole. */
export function assessPerson(asked: PersonInput, policy: Policy): Judged {
  const input = { ...asked, tenantGone: false, topUnitChanged: false };
  const { fact } = input;
  if (fact === null || standing(input, policy) === 'alone') return leftAlone;
  const now = courseOf(withUnitsAndRoles(input, { blocked: false }), policy);
  const whole = withUnitsAndRoles(input, { blocked: true });
  const isHindered = now.code !== null || isBehindBlocked(input);
  const free = isHindered ? courseOf(...withoutHindrance(whole, policy)) : now;
  const operations = operationsIn(now, input);
  const desired = desiredPerson(whole, fact, policy);
  return {
    operations,
    blocked: operationsIn(free, input),
    code: operations.length > 0 ? null : now.code,
    ...shownTerms(whole, policy, { before: now.base?.applied ?? null, after: free.after }),
    desired: fingerprinted(whole, { fact, desired, policy }),
    hints: hintsOf({ fact, desired, policy }),
  };
}

/** All that follows for a person. */
interface Course {
  readonly actions: readonly Action[];
  /** The link it starts from: its own, or that of the user which is adopted. */
  readonly base: PersonLink | null;
  readonly after: AppliedPerson | null;
  readonly code: Assessment['code'];
}

/** Plans on until nothing is left, in which who holds the address has given it up, and nobody unknown is at the target. */
function courseOf(asked: PersonInput, given: Policy): Course {
  let policy = given;
  let input: PersonInput = { ...asked, candidates: asked.candidates ?? [] };
  const actions: Action[] = [];
  let after: AppliedPerson | null = input.link?.applied ?? null;
  const end = (code: Course['code']): Course => ({ actions, base: input.link, after, code });
  for (let round = 0; round < 5; round += 1) {
    const outcome = planPerson(input, policy);
    if (outcome.kind === 'wait' && !outcome.code) {
      const candidates = input.candidates?.filter(({ linkedBy }) => linkedBy?.scope !== 'ours');
      input = { ...input, emailHolder: null, candidates };
      continue;
    }
    if (outcome.kind !== 'actions') return end(codeOf(outcome));
    const [first] = outcome.actions;
    if (first.op === 'job_profile.create') {
      policy = withProfile(policy, first.name);
      continue;
    }
    actions.push(...outcome.actions);
    for (const action of outcome.actions) {
      if ('after' in action) after = action.after as AppliedPerson;
      if (action.op === 'user.delete') after = null;
    }
    if (first.op !== 'link') return end(null);
    const { targetId, madeByUs } = first;
    input = { ...input, link: { targetId, madeByUs, applied: first.after as AppliedPerson } };
  }
  return end(null);
}

/** As it will be once the profile is made. */
function withProfile(policy: Policy, name: string): Policy {
  const { catalogue } = policy;
  const jobProfiles = new Map([...catalogue.jobProfiles, [name, profileToCome]]);
  return { ...policy, catalogue: { ...catalogue, jobProfiles } };
}

/** As if nobody stood in the way. */
function withoutHindrance(input: PersonInput, policy: Policy): [PersonInput, Policy] {
  const settings = { ...policy.settings, protectedEmails: [] };
  return [
    { ...input, emailHolder: null, twins: [], candidates: [] },
    { ...policy, settings },
  ];
}

function isBehindBlocked({ memberships, units, roles }: PersonInput): boolean {
  return memberships.some(
    ({ unitId, assignments }) =>
      units.get(unitId ?? '')?.blockedBy || assignments.some(({ roleId }) => roles.get(roleId ?? '')?.blockedBy),
  );
}

function operationsIn({ actions }: Course, { link }: PersonInput): readonly Operation[] {
  return [...new Set(actions.flatMap((action) => operationsOf(action, link !== null)))];
}

interface Desire {
  readonly fact: PersonFact;
  readonly desired: ReturnType<typeof desiredPerson>;
  readonly policy: Policy;
}

/** A leaver is desired inactive, and nothing else (semantics.md §1, decided 10). */
function fingerprinted(whole: PersonInput, { fact, desired, policy }: Desire): unknown {
  if (isToBeDeleted(fact, policy.settings)) return 'deleted';
  if (isLeaver(fact, policy.nowMs)) return 'inactive';
  if (fact.rejectedCode) return ['none', fact.rejectedCode];
  return isDesired(desired) ? desiredTerms(whole, desired, policy) : ['none', codeOf(desired)];
}

function hintsOf({ fact, desired, policy }: Desire): Assessment['hints'] {
  if (isLeaver(fact, policy.nowMs) || !isDesired(desired)) return [];
  const { catalogue } = policy;
  return matches(desired.roles, catalogue).length > 0 ? [] : nearMisses(desired.roles, catalogue);
}

function isDesired(desired: Desire['desired']): desired is DesiredPerson {
  return !('kind' in desired);
}
