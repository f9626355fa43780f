import type { PersonFact } from './input.ts';

/** Deleted, anonymised, deactivated or past its expiry: only deactivated, whatever else it says (decided 10). */
export function isLeaver(fact: PersonFact, nowMs: number): boolean {
  return (
    fact.deleted || fact.anonymised || fact.active === false || (fact.expiresAtMs !== null && fact.expiresAtMs <= nowMs)
  );
}

/** True for who is gone for good: never created, even as inactive. */
export function isErased(fact: PersonFact): boolean {
  return fact.deleted || fact.anonymised;
}
