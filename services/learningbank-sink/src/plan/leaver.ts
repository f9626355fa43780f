import type { IntegrationSettings } from '@orgstream/core';
import type { PersonFact } from './facts.ts';
import { behaviourOf } from './presets.ts';

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

/** True for whose user goes for good: deleted by the source itself, never by absence (semantics.md §4). */
export function isToBeDeleted(fact: PersonFact, settings: IntegrationSettings): boolean {
  return fact.deleted && fact.explicitlyDeleted === true && behaviourOf(settings).onDeleted === 'delete';
}
