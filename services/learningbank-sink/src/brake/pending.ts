import { brakedOperations, type BrakedOperation, type Operation } from '@orgstream/core';
import type { Assessment, ObjectKind } from '../model.ts';
import type { Outstanding } from './brake-store.ts';

/** What outstanding objects are to get, by id; who is not in the answer gets nothing. */
export type AssessMany = (
  kind: ObjectKind,
  ids: readonly string[],
) => Promise<ReadonlyMap<string, Pick<Assessment, 'operations' | 'hash'>>>;

/** An object that a tripped operation holds. */
export interface ToHold {
  readonly id: string;
  readonly generation: number;
  readonly operations: readonly Operation[];
  readonly hash: string;
}

interface Known {
  readonly generation: number;
  readonly operations: readonly Operation[];
  /** null = planned by a run, not looked at by us. */
  readonly hash: string | null;
}

/**
 * Which outstanding objects of one kind want which operation, as of one moment. An object is assessed once per generation
 * of its work; what a run has planned, or the brake holds, is not assessed again.
 */
export class Pending {
  readonly kind: ObjectKind;
  readonly #assess: AssessMany;
  #known = new Map<string, Known>();
  #rows: ReadonlyMap<string, Outstanding> = new Map();
  #wanting = new Map<BrakedOperation, Set<string>>();
  #readAt = Number.NEGATIVE_INFINITY;

  constructor(kind: ObjectKind, assess: AssessMany) {
    this.kind = kind;
    this.#assess = assess;
  }

  /** When it was last read, by the clock of {@link read}. */
  get readAt(): number {
    return this.#readAt;
  }

  /** True when it was read with this very row: whatever was marked together with it is in it too. */
  knows(id: string, generation: number): boolean {
    return this.#rows.get(id)?.generation === generation;
  }

  of(operation: BrakedOperation): ReadonlySet<string> {
    return this.#wanting.get(operation) ?? none;
  }

  /** Takes over what is outstanding now. */
  async read(rows: readonly Outstanding[], nowMs: number): Promise<void> {
    const strangers = rows.filter((row) => row.operations === null && !this.#isKnown(row)).map(({ id }) => id);
    const assessed = strangers.length > 0 ? await this.#assess(this.kind, strangers) : undefined;
    const known = new Map<string, Known>();
    const wanting = new Map<BrakedOperation, Set<string>>(brakedOperations.map((operation) => [operation, new Set()]));
    for (const row of rows) {
      const { id, generation } = row;
      const found = assessed?.get(id);
      const what: Known = this.#isKnown(row)
        ? this.#known.get(id)!
        : { generation, operations: row.operations ?? found?.operations ?? [], hash: found?.hash ?? null };
      known.set(id, what);
      const decided = what.hash !== null && (what.hash === row.holdHash || what.hash === row.approvedHash);
      const isApproved =
        row.approvedOperations && what.operations.every((one) => row.approvedOperations!.includes(one));
      if (decided || isApproved) continue;
      for (const operation of what.operations) {
        if (!(row.isFirst && operation === 'create')) wanting.get(operation as BrakedOperation)?.add(id);
      }
    }
    this.#rows = new Map(rows.map((row) => [row.id, row]));
    this.#known = known;
    this.#wanting = wanting;
    this.#readAt = nowMs;
  }

  /** The object was let through: it counts as applied, not as pending. */
  left(id: string): void {
    for (const ids of this.#wanting.values()) ids.delete(id);
  }

  /** Ready objects that want one of these operations. Those of a run have to be looked at first, for their hash. */
  async toHold(operations: readonly BrakedOperation[]): Promise<readonly ToHold[]> {
    const ids = [...new Set(operations.flatMap((operation) => [...this.of(operation)]))];
    const rows = ids.flatMap((id) => this.#rows.get(id) ?? []).filter(({ isReady }) => isReady);
    const unseen = rows.filter(({ id }) => this.#known.get(id)?.hash === null).map(({ id }) => id);
    const assessed = unseen.length > 0 ? await this.#assess(this.kind, unseen) : undefined;
    return rows.flatMap(({ id, generation }) => {
      const what = assessed?.get(id) ?? this.#known.get(id)!;
      const wants = what.hash !== null && operations.some((operation) => what.operations.includes(operation));
      return wants ? [{ id, generation, operations: what.operations, hash: what.hash! }] : [];
    });
  }

  #isKnown({ id, generation, operations }: Outstanding): boolean {
    return operations === null && this.#known.get(id)?.generation === generation;
  }
}

const none: ReadonlySet<string> = new Set();
