import type { Context } from './context.ts';
import type { MappedUnits } from './departments.ts';
import { EmailHolders, personProblem, standingOf, type Standing } from './email-holders.ts';
import { ownId, parseMarker } from './marker.ts';
import type { MappedRoles } from './permission-types.ts';
import type { SourcePerson } from './source.ts';
import type { TargetUser } from './state.ts';
import { isOutOfScope } from './scope.ts';
import { emailKey } from './text.ts';
import { userDifferences } from './user-fields.ts';

interface Scene {
  readonly context: Context;
  readonly units: MappedUnits;
  readonly roles: MappedRoles;
  readonly holders: EmailHolders;
  readonly protectedEmails: ReadonlySet<string | undefined>;
  /** Ids of the rows that are there, deleted ones included. */
  readonly rows: ReadonlySet<string>;
}

/** People become users (semantics §1; decided 1-4, 8-10, 13, 15, 16). */
export function compareUsers(context: Context, units: MappedUnits, roles: MappedRoles): void {
  const { findings, options, source, state, tenant } = context;
  const now = options.now ?? new Date();
  const protectedEmails = new Set((options.protectedEmails ?? []).map(emailKey));
  const rows = new Set([
    ...source.units.map((unit) => `unit ${unit.id}`),
    ...source.roles.map((role) => `role ${role.id}`),
  ]);
  const scene = { context, units, roles, protectedEmails, rows, holders: new EmailHolders(context, now) };
  for (const person of source.people) {
    const standing = standingOf(person, now);
    if (isOutOfScope(context, person)) findings.park('person', person.id, 'OUT_OF_SCOPE');
    else if (standing === 'active') compareActive(scene, person);
    else compareLeaver(scene, person, standing);
  }
  compareUnknown(context);
  findings.duplicate('person', 'marker', state.users, (user) => ownId(user.externalId, tenant, 'person'));
  const isOurs = (user: TargetUser) => ownId(user.externalId, tenant, 'person') !== undefined;
  findings.duplicate('person', 'email', state.users, (user) => emailKey(user.email), isOurs);
}

function compareActive(scene: Scene, person: SourcePerson): void {
  const { findings } = scene.context;
  const code = isProtected(scene, person) ? 'PROTECTED' : (personProblem(person) ?? heldBack(scene, person));
  if (code !== undefined) return findings.park('person', person.id, code);
  const user = scene.holders.markedUser(person.id) ?? adoptedUser(scene, person);
  if (!user) {
    if (waits(scene, person)) return findings.park('person', person.id, 'WAITING');
    const rule = 'person created: user created';
    return findings.mismatch({
      kind: 'person',
      sourceId: person.id,
      field: 'exists',
      expected: true,
      actual: false,
      rule,
    });
  }
  const differences = userDifferences(scene.context, { ...scene, person, user });
  const waiting = differences.some((one) => one.field === 'departments' || one.field === 'permissionTypes');
  if (waiting && waits(scene, person)) return findings.park('person', person.id, 'WAITING');
  findings.compared += 1;
  for (const difference of differences) findings.mismatch({ kind: 'person', sourceId: person.id, ...difference });
}

/** Why an active person that could be sent is kept back: its e-mail is somebody else's, or is nobody's to take. */
function heldBack({ context, holders }: Scene, person: SourcePerson): string | undefined {
  const own = holders.markedUser(person.id);
  const holder = holders.userWithEmail(person);
  const rivals = holders.rivals(person);
  if (!holder) return !own && rivals[0]?.id !== person.id ? 'EMAIL_TAKEN' : undefined;
  if (holder.id === own?.id) return undefined;
  if (holders.isKept(person, holder)) return 'EMAIL_TAKEN';
  if (own || parseMarker(holder.externalId)) return undefined;
  if (rivals.length > 1) return 'MATCHED_TWICE';
  const isLinked = context.options.linkedPersonIds?.has(person.id) ?? false;
  return holder.isActive || isLinked ? undefined : 'MATCH_INACTIVE';
}

/** A user who was there before us: no marker of anybody's, same e-mail. */
function adoptedUser({ holders }: Scene, person: SourcePerson): TargetUser | undefined {
  const user = holders.userWithEmail(person);
  return user && !parseMarker(user.externalId) ? user : undefined;
}

/** A membership or role whose row is not there, or a unit that waits itself: the person may wait (semantics §7.5). */
function waits({ rows, units }: Scene, person: SourcePerson): boolean {
  return person.memberships.some(
    ({ unitId, roleIds }) =>
      !rows.has(`unit ${unitId}`) ||
      (units.held.has(unitId) && !units.departmentOf.has(unitId)) ||
      roleIds.some((roleId) => !rows.has(`role ${roleId}`)),
  );
}

/** The only action on a leaver is to deactivate him; other fields are not looked at (decided 10). */
function compareLeaver(scene: Scene, person: SourcePerson, standing: Exclude<Standing, 'active'>): void {
  const { findings, options } = scene.context;
  if (isProtected(scene, person)) return findings.park('person', person.id, 'PROTECTED');
  const user = scene.holders.markedUser(person.id) ?? leaversOldUser(scene, person, standing);
  if (user?.isActive) {
    const rule = 'person deactivated, deleted or expired: user deactivated';
    findings.mismatch({ kind: 'person', sourceId: person.id, field: 'isActive', expected: false, actual: true, rule });
  }
  if (user) findings.compared += 1;
  if (user || standing === 'gone' || !options.inactiveCreated) return;
  if (personProblem(person) !== undefined || scene.holders.userWithEmail(person)) return;
  const rule = 'merely inactive: created inactive (decided 10)';
  findings.mismatch({ kind: 'person', sourceId: person.id, field: 'exists', expected: true, actual: false, rule });
}

/**
 * A user without our marker who has the leaver's e-mail. Not when an active person wants the same e-mail; and a deleted
 * person was linked to him only if the caller says so: never linked, it is left alone.
 */
function leaversOldUser(scene: Scene, person: SourcePerson, standing: Standing): TargetUser | undefined {
  if (scene.holders.rivals(person).length > 0) return undefined;
  const isLinked = scene.context.options.linkedPersonIds?.has(person.id) ?? false;
  return standing === 'inactive' || isLinked ? adoptedUser(scene, person) : undefined;
}

/** Users we made whose person's row is gone. */
function compareUnknown({ findings, source, state, tenant }: Context): void {
  const known = new Set(source.people.map((person) => person.id));
  for (const user of state.users) {
    const sourceId = ownId(user.externalId, tenant, 'person');
    if (sourceId === undefined || known.has(sourceId)) continue;
    findings.compared += 1;
    if (!user.isActive) continue;
    const rule = 'person deleted: user deactivated';
    findings.mismatch({ kind: 'person', sourceId, field: 'isActive', expected: false, actual: true, rule });
  }
}

function isProtected({ protectedEmails, holders }: Scene, person: SourcePerson): boolean {
  const user = holders.markedUser(person.id) ?? holders.userWithEmail(person);
  const keys = [emailKey(person.email), emailKey(user?.email ?? null)];
  return keys.some((key) => key !== undefined && protectedEmails.has(key));
}
