import type { Context } from './context.ts';
import { ownId, parseMarker } from './marker.ts';
import { isOutOfScope } from './scope.ts';
import type { SourcePerson } from './source.ts';
import type { TargetUser } from './state.ts';
import { emailKey, emailProblem, nameProblem } from './text.ts';

/** What a person is at this moment (semantics §1; decided 10). */
export type Standing = 'active' | 'inactive' | 'gone';

/** Deleted and anonymised people are gone; from `expires_at` on a person is inactive. */
export function standingOf(person: SourcePerson, now: Date): Standing {
  if (person.deleted || person.anonymised) return 'gone';
  const expired = person.expiresAt !== null && person.expiresAt.getTime() <= now.getTime();
  return person.active && !expired ? 'active' : 'inactive';
}

/** Why a person cannot be sent as it is; undefined when it can. */
export function personProblem(person: SourcePerson): string | undefined {
  return emailProblem(person.email) ?? nameProblem(person.firstName) ?? nameProblem(person.lastName);
}

/** Who has which e-mail, at the source and at the target. */
export class EmailHolders {
  readonly #context: Context;
  readonly #now: Date;
  readonly #people: ReadonlyMap<string, SourcePerson>;
  readonly #marked = new Map<string, TargetUser>();
  readonly #users = new Map<string, TargetUser>();
  readonly #wanted: ReadonlyMap<string | undefined, readonly SourcePerson[]>;

  constructor(context: Context, now: Date) {
    this.#context = context;
    this.#now = now;
    this.#people = new Map(context.source.people.map((person) => [person.id, person]));
    const active = context.source.people.filter(
      (person) => standingOf(person, now) === 'active' && !isOutOfScope(context, person),
    );
    this.#wanted = Map.groupBy(active, (person) => emailKey(person.email));
    for (const user of context.state.users) {
      const id = ownId(user.externalId, context.tenant, 'person');
      const key = emailKey(user.email);
      if (id !== undefined && !this.#marked.has(id)) this.#marked.set(id, user);
      if (key !== undefined && !this.#users.has(key)) this.#users.set(key, user);
    }
  }

  /** The user we made for this person. */
  markedUser(personId: string): TargetUser | undefined {
    return this.#marked.get(personId);
  }

  /** The user who has this person's e-mail. */
  userWithEmail(person: SourcePerson): TargetUser | undefined {
    const key = emailKey(person.email);
    return key === undefined ? undefined : this.#users.get(key);
  }

  /** Active people who want this person's e-mail, himself included if active; in order of id. */
  rivals(person: SourcePerson): readonly SourcePerson[] {
    const key = emailKey(person.email);
    return key === undefined ? [] : (this.#wanted.get(key) ?? []);
  }

  /**
   * Whether somebody else keeps the e-mail that `person` wants, by right (decided 9): another integration's user, one
   * whose person is not active (REHIRE), wants the same (EMAIL_TAKEN), or cannot change its own. A person of ours who
   * wants another address must have given it up.
   */
  isKept(person: SourcePerson, holder: TargetUser, seen: ReadonlySet<string> = new Set()): boolean {
    const ownerId = ownId(holder.externalId, this.#context.tenant, 'person');
    if (ownerId === undefined) return parseMarker(holder.externalId) !== undefined || this.#marked.has(person.id);
    const owner = this.#people.get(ownerId);
    if (!owner || standingOf(owner, this.#now) !== 'active' || isOutOfScope(this.#context, owner)) return true;
    if (emailKey(owner.email) === emailKey(person.email) || personProblem(owner) !== undefined) return true;
    const next = this.userWithEmail(owner);
    if (!next || next.id === holder.id || seen.has(ownerId)) return false;
    return this.isKept(owner, next, new Set([...seen, ownerId]));
  }
}
