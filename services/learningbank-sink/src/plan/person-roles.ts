import type { MembershipFact } from './facts.ts';
import type { PersonInput } from './input.ts';
import type { RoleNode } from './role-book.ts';
import { byOrdinal, trimmed } from './text.ts';

type Places = Pick<PersonInput, 'memberships' | 'units'>;

/** First membership first; those of deleted units do not count (semantics.md §1, decided 1 and 13). */
export function liveMemberships({ memberships, units }: Places): readonly MembershipFact[] {
  return memberships.filter(({ unitId }) => unitId === null || units.get(unitId)?.state !== 'gone').toSorted(byOrdinal);
}

/** The one whose roles count. */
export function firstMembership(places: Places): MembershipFact | undefined {
  return liveMemberships(places)[0];
}

/**
 * What the job profile goes by: the name that the source delivers for it (an employee type, a title), else the live roles
 * of the first membership, in its order.
 */
export function profileRolesOf(input: PersonInput): readonly RoleNode[] {
  const delivered = trimmed(input.fact?.jobProfile ?? null);
  if (delivered !== null) return [deliveredRole(delivered)];
  const held = (firstMembership(input)?.assignments ?? []).toSorted(byOrdinal);
  const ids = new Set(held.flatMap(({ roleId }) => (roleId === null ? [] : [roleId])));
  return [...ids].flatMap((id) => {
    const role = input.roles.get(id);
    return role?.fact && !role.fact.deleted ? [role] : [];
  });
}

/** Stands for a name that comes without a role; another name is another role. */
function deliveredRole(name: string): RoleNode {
  const fact = { name, deleted: false, rejectedCode: null };
  return { id: `name:${name}`, fact, link: null, work: null, blockedBy: null, memberId: null };
}
