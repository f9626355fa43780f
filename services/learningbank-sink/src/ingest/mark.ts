import type { Lane, ObjectKind } from '../model.ts';

/** An object of a tenant that has to be looked at, for every *sync* integration of that tenant. */
export interface Mark {
  readonly tenant: string;
  readonly kind: ObjectKind;
  readonly id: string;
  readonly lane: Exclude<Lane, 'gap'>;
  /** Nobody touches it before a run of this kind takes it; default null: `lane` counts. */
  readonly forRun?: 'replay' | null;
  /**
   * Takes the object out of what waits for a run (lane 3): the source itself changed it now. Default true; false for what
   * a snapshot, a replay or a correction found.
   */
  readonly lifts?: boolean;
  readonly cause: { readonly epoch: number; readonly lsn: number; readonly committedAtMs: number };
  /** False while its transaction is not known to be complete. */
  readonly ripe: boolean;
  /** Park it with this code right away: a fact of it was rejected. */
  readonly parkCode?: string | null;
  /** A deletion of what was never there: worth a look only where a link or work says that we did know it. */
  readonly onlyIfKnown?: boolean;
}

/**
 * Objects reached from a changed row by a look-up: people and children of a unit, people with a role, person of a
 * membership, top unit of a tenant. `listed_`: people whom the name of a unit or role may bring into the filters, or out
 * of them, where an integration of the tenant has any.
 */
export interface LookUp {
  readonly via: 'tenant' | 'unit' | 'role' | 'membership' | 'listed_unit' | 'listed_role';
  readonly tenant: string;
  readonly id: string;
}
