import { AppError, isAppError } from '@orgstream/core';
import type { Knex } from '@orgstream/database';
import { burnJti, verifyAssertion, type Assertion, type Issuers } from '@orgstream/identity';
import { resolveDeepLink } from './deep-link.ts';
import { readStanding, type Door, type Standing } from './door-store.ts';
import type { JustInTime } from './just-in-time.ts';
import { isOpen } from './shortcuts.ts';
import type { Way } from './ways.ts';

/** What becomes known about a visit on its way, for its event, whatever its end. */
export interface Visit {
  readonly kind: 'login' | 'shortcuts';
  /** It was signed for, and for the first time. */
  proved: boolean;
  person: string | null;
  language: string | null;
  justInTime: boolean;
  /** Milliseconds in the hands of Learningbank. */
  platformMs: number;
}

export interface Gate {
  readonly db: Knex;
  readonly issuers: Issuers;
  readonly justInTime: JustInTime;
  readonly wayOf: (door: Door) => Promise<Way>;
  /** Throws TOO_MANY_REQUESTS. */
  readonly countPerson: (door: Door, person: string, kind: Visit['kind']) => Promise<void>;
  /** Milliseconds that Learningbank has for everything together. */
  readonly platformMs: number;
}

/** Who stands at the door, proved; the assertion is used up from here on. */
export async function identify(gate: Gate, door: Door, assertion: string, visit: Visit): Promise<Assertion> {
  const proved = await verifyAssertion(assertion, { audience: door.id, issuers: gate.issuers });
  const { issuer } = proved;
  if (issuer.tenant === null ? issuer.source !== door.source : issuer.tenant !== door.tenant) {
    throw new AppError('ISSUER_UNKNOWN', 'checking an assertion: its issuer may not sign for this tenant');
  }
  // Signed for: true also of who comes with it a second time.
  visit.person = proved.sub;
  await burnJti(gate.db, proved);
  visit.proved = true;
  await gate.countPerson(door, proved.sub, visit.kind);
  return proved;
}

/**
 * From an assertion to a login link, in this order: switch, assertion, its id (once), the person at the source (leavers
 * go no further, whatever Learningbank says), the person in Learningbank, the page, the link, the person again. The address to send the
 * browser to; whoever is not let in is told by the code that is thrown.
 */
export async function admit(
  gate: Gate,
  door: Door,
  { assertion, to, visit }: { readonly assertion: string; readonly to: unknown; readonly visit: Visit },
): Promise<string> {
  if (!isOpen(door)) throw new AppError('LOGIN_OFF', 'logging in: it is switched off');
  const proved = await identify(gate, door, assertion, visit);
  // Tamigo logs in from its menu only: links in messages do not (semantics.md §4).
  if (proved.issuer.product === 'tamigo' && to !== undefined) throw foreign('menu_only');
  const until = AbortSignal.timeout(gate.platformMs);
  const standing = await personOf(gate, door, { proved, visit, signal: until });
  const begun = performance.now();
  const link = await linkFor(gate, door, { proved, standing, to, signal: until }).finally(() => {
    visit.platformMs += performance.now() - begun;
  });
  // Learningbank may have taken its time: who has left meanwhile is not let in.
  assertHere(await readStanding(gate.db, { integration: door.id, tenant: door.tenant, person: proved.sub }));
  return link;
}

/** The page, the user, and Learningbank's link to both. */
async function linkFor(
  gate: Gate,
  door: Door,
  asked: {
    readonly proved: Assertion;
    readonly standing: Standing;
    readonly to: unknown;
    readonly signal: AbortSignal;
  },
): Promise<string> {
  const { proved, standing, to, signal } = asked;
  const way = await gate.wayOf(door);
  const path = resolveDeepLink(to, await way.site(signal));
  if (path === undefined) throw foreign('elsewhere');
  const userId = standing.userId ?? (await way.findUser(emailOf(proved, standing), signal));
  return way.createLink(userId, path, signal).catch(refuseLink);
}

/** The person at the source, with a Learningbank user where the product syncs. */
async function personOf(
  gate: Gate,
  door: Door,
  { proved, visit, signal }: { readonly proved: Assertion; readonly visit: Visit; readonly signal: AbortSignal },
): Promise<Standing> {
  const key = { integration: door.id, tenant: door.tenant, person: proved.sub };
  let standing = await readStanding(gate.db, key);
  visit.language = standing.language;
  if (!standing.known && !standing.gone) {
    visit.justInTime = true;
    standing = await gate.justInTime.known(door, proved.sub, signal);
    visit.language = standing.language;
  }
  assertHere(standing);
  if (door.product === 'login') return { ...standing, userId: null };
  if (standing.userId !== null) return standing;
  visit.justInTime = true;
  standing = await gate.justInTime.linked(door, proved.sub, signal);
  assertHere(standing);
  return standing;
}

/** Also when the deactivation is still under way. */
function assertHere({ gone }: Standing): void {
  if (gone) throw new AppError('LOGIN_PERSON_INACTIVE', 'logging in: the person has left');
}

/** As it was signed a moment ago; else as the source told us. */
function emailOf({ email }: Assertion, standing: Standing): string {
  const known = email ?? standing.email?.trim();
  if (!known)
    throw new AppError('LOGIN_PERSON_UNKNOWN', 'logging in: the person has no e-mail', { reason: 'no_email' });
  return known;
}

/** What Learningbank says about the user itself, in our words. */
function refuseLink(error: unknown): never {
  if (isAppError(error, 'TARGET_NOT_FOUND')) {
    throw new AppError('LOGIN_PERSON_UNKNOWN', 'asking for a login link: there is no such user', { reason: 'gone' });
  }
  if (isAppError(error, 'TARGET_FORBIDDEN') && error.data['targetCode'] === 'user_inactive') {
    throw new AppError('LOGIN_USER_INACTIVE', 'asking for a login link: the user is inactive');
  }
  throw error;
}

function foreign(reason: string): AppError {
  return new AppError('LOGIN_LINK_FOREIGN', `following a link (${reason})`, { reason });
}
