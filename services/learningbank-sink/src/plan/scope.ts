import type { Filters } from '@orgstream/core';
import type { Policy, Untouched } from '../model.ts';
import type { MembershipFact, PersonFact } from './facts.ts';
import type { PersonInput } from './input.ts';
import { matches } from './job-profile.ts';
import { isErased } from './leaver.ts';
import { firstMembership, profileRolesOf } from './person-roles.ts';
import { behaviourOf } from './presets.ts';
import type { RoleNode } from './role-book.ts';

/** What the four tabs are compared with: names, e-mails and ids, as they are. */
export type Tabs = Readonly<Record<keyof Filters, readonly (string | null | undefined)[]>>;

const tabNames = ['users', 'departments', 'jobProfiles', 'permissions'] as const satisfies readonly (keyof Filters)[];

type Side = Readonly<Record<keyof Filters, ReadonlySet<string>>>;
interface Lists {
  readonly include: Side;
  readonly exclude: Side;
  readonly hasInclude: boolean;
  readonly isEmpty: boolean;
}

const plain = (text: string): string => text.trim().toLowerCase();
const listsOf = new WeakMap<Filters, Lists>();

/** Read once per version of the settings: it is asked for with every person. */
function compiled(filters: Filters): Lists {
  let lists = listsOf.get(filters);
  if (!lists) {
    const side = (which: 'include' | 'exclude'): Side => {
      const set = (tab: keyof Filters): ReadonlySet<string> =>
        new Set(filters[tab][which].map(plain).filter((entry) => entry !== ''));
      return {
        users: set('users'),
        departments: set('departments'),
        jobProfiles: set('jobProfiles'),
        permissions: set('permissions'),
      };
    };
    const [include, exclude] = [side('include'), side('exclude')];
    const hasInclude = tabNames.some((tab) => include[tab].size > 0);
    lists = { include, exclude, hasInclude, isEmpty: !hasInclude && tabNames.every((tab) => exclude[tab].size === 0) };
    listsOf.set(filters, lists);
  }
  return lists;
}

/** True when everybody is in scope. */
function isUnfiltered(filters: Filters): boolean {
  return compiled(filters).isEmpty;
}

function hits(side: Side, tabs: Tabs): boolean {
  return tabNames.some(
    (tab) => side[tab].size > 0 && tabs[tab].some((text) => text != null && side[tab].has(plain(text))),
  );
}

/**
 * In scope = all include lists empty, or any entry of any tab matches; any exclude wins (semantics.md §5). Compared
 * trimmed and without regard to case.
 */
export function isInScope(filters: Filters, tabs: Tabs): boolean {
  const { include, exclude, hasInclude } = compiled(filters);
  return !hits(exclude, tabs) && (!hasInclude || hits(include, tabs));
}

/**
 * Why nothing at all is done about a person, who is left as it is: not created, changed, nor deactivated. Undefined when
 * it is to be kept in step. Of a person that was deleted, only its link still tells who it was.
 */
export function untouched(input: PersonInput, policy: Policy): Untouched | undefined {
  const { fact, link } = input;
  const remembered = link?.applied.untouched;
  const isGone = fact !== null && isErased(fact);
  if (fact?.eligible === false || (isGone && remembered === 'not_eligible')) return 'not_eligible';
  const { filters } = policy.settings;
  if (isUnfiltered(filters)) return undefined;
  if (isGone && remembered === 'filtered') return 'filtered';
  const isIn = isGone ? wasInScope(input, policy) : isInScope(filters, tabsOf(input, policy));
  return isIn ? undefined : 'filtered';
}

/**
 * A deletion carries ids, nothing else: what was applied last stands for who it was. Whom a security group had included
 * is not known any more when the memberships went too: nobody noted that the person had fallen out, so it had not.
 */
function wasInScope(input: PersonInput, policy: Policy): boolean {
  const { filters } = policy.settings;
  const tabs = tabsOfGone(input, policy);
  const { include, exclude } = compiled(filters);
  const mayBeGroup = input.memberships.length === 0 && include.departments.size > 0;
  return mayBeGroup ? !hits(exclude, tabs) : isInScope(filters, tabs);
}

/**
 * True for another person who is certainly left alone, as far as name and address say: listed out on the users tab, or
 * not listed there while nothing else is. Such a one takes part in no clash.
 */
export function isListedOut(id: string, fact: PersonFact, { settings: { filters } }: Policy): boolean {
  if (fact.eligible === false) return true;
  if (isUnfiltered(filters)) return false;
  const { include, exclude } = compiled(filters);
  const tabs = { users: usersTexts(id, fact), departments: [], jobProfiles: [], permissions: [] };
  const isByNameOnly = tabNames.every((tab) => tab === 'users' || include[tab].size === 0);
  return hits(exclude, tabs) || (isByNameOnly && !isInScope(filters, tabs));
}

function usersTexts(id: string, { email, firstName, lastName }: Identity): Tabs['users'] {
  return [id, email, `${firstName?.trim() ?? ''} ${lastName?.trim() ?? ''}`];
}

type Identity = Pick<PersonFact, 'email' | 'firstName' | 'lastName'>;
const nobody: Identity = { email: null, firstName: null, lastName: null };

/** The names and ids by which a person can be listed. */
function tabsOf(input: PersonInput, policy: Policy): Tabs {
  const { fact, memberships, roles } = input;
  const first = firstMembership(input);
  const held = (first?.assignments ?? []).flatMap(({ roleId }) => (roleId === null ? [] : [roleId]));
  return {
    users: usersTexts(input.id, fact ?? nobody),
    departments: departmentsOf(input, memberships),
    jobProfiles: profileTexts(profileRolesOf(input), policy),
    permissions: held.flatMap((id) => [id, roles.get(id)?.fact?.name]),
  };
}

/** Units and Ziik departments (security groups), mirrored or not; those of a deleted unit are no membership any more. */
function departmentsOf({ units }: PersonInput, memberships: readonly MembershipFact[]): Tabs['departments'] {
  return memberships
    .filter(({ unitId }) => unitId === null || units.get(unitId)?.state !== 'gone')
    .flatMap(({ unitId, departmentId }) => [unitId, departmentId ?? null])
    .flatMap((id) => (id === null ? [] : [id, units.get(id)?.name]));
}

/** The profile that decides, by its role's name or either id; without one, what could decide once there is a profile. */
function profileTexts(roles: readonly RoleNode[], policy: Policy): Tabs['jobProfiles'] {
  const [match] = matches(roles, policy.catalogue);
  const decide = behaviourOf(policy.settings).jobProfile === 'match_or_create' ? roles.slice(0, 1) : roles;
  const those = match ? roles.filter(({ id }) => id === match.roleId) : decide;
  return [...those.flatMap(({ id, fact }) => [id, fact?.name]), match && `${match.jobProfileId}`];
}

/** A deletion carries ids, nothing else: what was applied last stands for the rest, beside memberships still there. */
function tabsOfGone(input: PersonInput, policy: Policy): Tabs {
  const { link, memberships, ourUnitNames, roles } = input;
  const applied = link?.applied;
  const now = tabsOf(input, policy);
  const ours = [...(applied?.permissionTypeIds ?? [])].map((id) => roles.at(id));
  const decided = (applied?.jobProfileRoles ?? []).flatMap((id) => roles.get(id) ?? []);
  return {
    users: usersTexts(input.id, applied ?? nobody),
    departments: memberships.length > 0 ? now.departments : [...ourUnitNames].flat(),
    jobProfiles: memberships.length > 0 ? now.jobProfiles : profileTexts(decided, policy),
    permissions: memberships.length > 0 ? now.permissions : ours.flatMap((role) => [role?.id, role?.fact?.name]),
  };
}
