/** What a finding is about. */
export type FindingKind = 'tenant' | 'unit' | 'role' | 'person';

/** One difference between what the rules ask for and what is there. */
export interface Mismatch {
  readonly kind: FindingKind;
  /** Id in Ziik. */
  readonly sourceId: string;
  readonly field: string;
  readonly expected: unknown;
  readonly actual: unknown;
  /** Row or decision of semantics §1 that it breaks. */
  readonly rule: string;
}

/** Two target objects for one source object, or two of one name or address where there may be one. */
export interface Duplicate {
  readonly kind: FindingKind;
  readonly by: 'marker' | 'email' | 'name';
  readonly value: string;
  readonly targetIds: readonly number[];
}

/** A source object that the rules keep back: it may be absent or out of date, and is not compared. */
export interface Parked {
  readonly kind: FindingKind;
  readonly sourceId: string;
  readonly code: string;
}

/** Collects what the parts of the comparison find. */
export class Findings {
  readonly mismatches: Mismatch[] = [];
  readonly duplicates: Duplicate[] = [];
  readonly parked: Parked[] = [];
  /** Source objects that were held against a target object. */
  compared = 0;

  mismatch(mismatch: Mismatch): void {
    this.mismatches.push(mismatch);
  }

  park(kind: FindingKind, sourceId: string, code: string): void {
    this.parked.push({ kind, sourceId, code });
  }

  /** Groups of more than one are duplicates, if one of the group `isOurs`. */
  duplicate<T extends { readonly id: number }>(
    kind: FindingKind,
    by: Duplicate['by'],
    objects: readonly T[],
    keyOf: (object: T) => string | undefined,
    isOurs: (object: T) => boolean = () => true,
  ): void {
    for (const [value, group] of Map.groupBy(objects, keyOf)) {
      if (value === undefined || group.length < 2 || !group.some(isOurs)) continue;
      this.duplicates.push({ kind, by, value, targetIds: group.map((object) => object.id) });
    }
  }
}
