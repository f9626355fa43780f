import { marker, type NewUser, type Outcome, type PersonLink, type Policy } from '../model.ts';
import { desiredPerson, withForeignDepartments, type DesiredPerson } from './desired-person.ts';
import { diffPerson } from './diff-person.ts';
import type { PersonFact } from './facts.ts';
import type { PersonInput } from './input.ts';
import { matches, missingProfile, nearMisses } from './job-profile.ts';
import { isErased, isLeaver, isToBeDeleted } from './leaver.ts';
import { earlierTwin, emailTaken, matchPerson } from './match-person.ts';
import { act, park, settled, tenantGone, topUnitChanged } from './outcomes.ts';
import { behaviourOf } from './presets.ts';
import { isProtected, protectedDesired } from './protected.ts';
import { untouched } from './scope.ts';
import { sameEmail } from './text.ts';

/** What is wanted of a person's user at all: nothing (left alone), only that it is inactive, or everything. */
export function standing(input: PersonInput, policy: Policy): 'alone' | 'leaver' | 'wanted' {
  const { fact, link } = input;
  if (fact === null || input.resolution?.action === 'ignore' || untouched(input, policy)) return 'alone';
  if (!isLeaver(fact, policy.nowMs)) return 'wanted';
  if (link) return 'leaver';
  return isErased(fact) || !policy.settings.createInactive ? 'alone' : 'wanted';
}

/** What becomes of a person's user now. */
export function planPerson(input: PersonInput, policy: Policy): Outcome {
  if (input.tenantGone) return tenantGone;
  const { fact, link } = input;
  const note = fact && noteUntouched(input, fact, policy);
  if (note) return note;
  const stands = standing(input, policy);
  if (fact === null || stands === 'alone') return settled;
  // Before everything that can hold: no validation, clash or wait may stop a leaver (semantics.md §1, decided 10).
  if (link && stands === 'leaver') return leave(link, fact, policy);
  const leaves = isLeaver(fact, policy.nowMs);
  if (input.topUnitChanged) return topUnitChanged;
  if (fact.rejectedCode) return park(fact.rejectedCode);
  const desired = desiredPerson(input, fact, policy);
  if ('kind' in desired) return desired;
  return link ? update(input, link, desired, policy) : create(input, fact, { desired, leaves, policy });
}

/** What is remembered of who is left alone; changes nothing at the target. */
function noteUntouched(input: PersonInput, fact: PersonFact, policy: Policy): Outcome | undefined {
  const { link } = input;
  if (!link || isErased(fact)) return undefined;
  const { untouched: before, ...applied } = link.applied;
  const now = untouched(input, policy);
  if (now === before) return undefined;
  const { targetId, madeByUs } = link;
  return act({ op: 'link', targetId, madeByUs, isTop: false, after: now ? { ...applied, untouched: now } : applied });
}

function leave(link: PersonLink, fact: PersonFact, policy: Policy): Outcome {
  if (isToBeDeleted(fact, policy.settings)) {
    if (isProtected(policy, link.applied, fact.email)) return park('PROTECTED', { would: ['delete'] });
    const { targetId } = link;
    return act({ op: 'user.delete', targetId }, { op: 'unlink', targetId });
  }
  if (!link.applied.active) return settled;
  if (isProtected(policy, link.applied, fact.email)) return park('PROTECTED', { would: ['deactivate'] });
  return act({ op: 'user.deactivate', targetId: link.targetId, after: { ...link.applied, active: false } });
}

function update(input: PersonInput, link: PersonLink, desired: DesiredPerson, policy: Policy): Outcome {
  const { applied } = link;
  let wanted = desired;
  let heldBack: readonly string[] = [];
  if (policy.settings.keepForeignDepartments) wanted = withForeignDepartments(wanted, applied, input, policy);
  if (isProtected(policy, applied, desired.email)) [wanted, heldBack] = protectedDesired(wanted, applied);
  const taken = sameEmail(applied.email, wanted.email) ? undefined : emailTaken(input, wanted.email, policy);
  if (taken) return taken;
  const profile = policy.settings.updateJobProfile ? missingProfile(desired.roles, policy, applied) : undefined;
  if (profile) return profile;
  const [first, ...rest] = diffPerson(input, wanted, policy);
  if (first) return act(first, ...rest);
  if (heldBack.length > 0) return park('PROTECTED', { would: heldBack });
  return desired.stillMissing ?? settled;
}

function create(
  input: PersonInput,
  fact: PersonFact,
  { desired, leaves, policy }: { readonly desired: DesiredPerson; readonly leaves: boolean; readonly policy: Policy },
): Outcome {
  const taken = emailTaken(input, desired.email, policy) ?? earlierTwin(input, policy);
  if (taken) return taken;
  const externalId = marker(policy.tenant, 'person', input.id);
  if (!input.candidates) {
    return { kind: 'look_up', find: { marker: externalId, natural: { email: desired.email } } };
  }
  const matched = matchPerson(input, input.candidates, desired, policy);
  if (matched) return matched;
  const profile = missingProfile(desired.roles, policy);
  if (profile) return profile;
  const match = matches(desired.roles, policy.catalogue)[0];
  const user = newUser({ externalId, isActive: !leaves }, { desired, fact, policy });
  const { externalId: _externalId, language: _language, isActive: active, ...fields } = user;
  const { permissionTypeIds } = desired;
  const jobProfileRoles = desired.roles.map(({ id }) => id);
  const after = { ...fields, active, permissionTypeIds, jobProfileRoles, jobProfileRole: match?.roleId ?? null };
  const created: Outcome = { kind: 'actions', actions: [{ op: 'user.create', user, after }] };
  const hints = match ? [] : nearMisses(desired.roles, policy.catalogue);
  return hints.length > 0 ? { ...created, hints } : created;
}

/**
 * Defaults fill what the source does not deliver, at creation only: the integration's own; what it leaves open, the
 * platform fills (semantics.md §5). A permission type given that way is not ours: it is managed by hand afterwards.
 */
function newUser(
  made: Pick<NewUser, 'externalId' | 'isActive'>,
  { desired, fact, policy }: { readonly desired: DesiredPerson; readonly fact: PersonFact; readonly policy: Policy },
): NewUser {
  const { defaults } = policy.settings;
  const { firstName, lastName, email, departmentIds, permissionTypeIds, firstDay, lastDay } = desired;
  return {
    ...made,
    firstName,
    lastName,
    email,
    language: behaviourOf(policy.settings).language === 'at_creation' ? languageOf(fact) : null,
    departmentIds,
    permissionTypeIds: permissionTypeIds.length > 0 ? permissionTypeIds : defaults.permissionTypeIds,
    jobProfileId: matches(desired.roles, policy.catalogue)[0]?.jobProfileId ?? defaults.jobProfileId,
    ...(firstDay === undefined ? {} : { firstDay }),
    ...(lastDay === undefined ? {} : { lastDay }),
  };
}

/** ISO 639-1 out of what the source has (`da`, `da-DK`); null = the platform's language. */
function languageOf({ language }: PersonFact): string | null {
  return /^\s*([a-z]{2})(?![a-z])/i.exec(language ?? '')?.[1]?.toLowerCase() ?? null;
}
