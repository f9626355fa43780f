import {
  brakedOperations,
  type BrakedOperation,
  type BrakeLimit,
  type IntegrationSettings,
  type Operation,
} from '@orgstream/core';
import type { Knex } from '@orgstream/database';
import type { ObjectKind } from '../model.ts';
import { type Answer, answered, createBatcher } from '../reconcile/batcher.ts';
import { allowedBy, BrakeBook, type BrakeRequest, type BrakeView, type Ticket, type Trip } from './book.ts';
import {
  countLeavers,
  countLinked,
  countOutstanding,
  dropTrip,
  type Fence,
  holdsAny,
  loadBrake,
  putTrips,
  readOutstanding,
} from './brake-store.ts';
import { type AssessMany, Pending, type ToHold } from './pending.ts';

/** Beyond so much outstanding work it is looked at what that work wants. */
const quickObjects = 500;
/** A count of links is good for this long, unless something would trip by it. */
const linkedMs = 10_000;
/** What is pending is read again after this long, while who asks is in it. */
const pendingMs = 5_000;

/** An object that is about to be changed, and what its integration allows. */
export interface Admittance {
  readonly kind: ObjectKind;
  readonly id: string;
  readonly generation: number;
  readonly operations: readonly Operation[];
  readonly limits: IntegrationSettings['brake'];
  /** Creations are never braked in a first sync. */
  readonly isFirstSync: boolean;
}

/** `ticket` null: nothing of it counts. `held`: its operations that are tripped. */
export type Admission =
  | { readonly pass: true; readonly ticket: Ticket | null }
  | { readonly pass: false; readonly held: readonly BrakedOperation[] };

export interface BrakeOptions {
  readonly db: Knex;
  readonly fence: Fence;
  readonly integrationId: string;
  /** Monotonic milliseconds. */
  readonly clock: () => number;
  readonly assess: AssessMany;
  /** Something has just tripped; these ready objects are to be held with it. */
  readonly onTripped: (kind: ObjectKind, trips: readonly Trip[], hold: readonly ToHold[]) => void;
}

/**
 * The brake of one integration (semantics.md §7.2), in the platform's owner. Windows are loaded from the attempts when it
 * is first asked, which is after the lease is ours: nobody before us can add to them any more. One batch at a time is
 * judged, so that no two objects take the last place.
 */
export class Brake {
  readonly admit: (admittance: Admittance) => Promise<Admission>;
  readonly #options: BrakeOptions;
  readonly #book = new BrakeBook();
  readonly #pending = new Map<ObjectKind, Pending>();
  readonly #linked = new Map<ObjectKind, { readonly count: number; readonly atMs: number }>();
  /** Limits under which an operation tripped, as far as we know. */
  readonly #trippedUnder = new Map<string, BrakeLimit>();
  #loading: Promise<void> | undefined;
  #last: Promise<unknown> = Promise.resolve();
  /** Batches and reviews that are under way or wait for their turn. */
  #turns = 0;

  constructor(options: BrakeOptions) {
    this.#options = options;
    const judge = createBatcher({
      max: 200,
      run: (batch: readonly Admittance[]) => this.#inTurn(() => this.#judgeAll(batch)),
    });
    this.admit = async (admittance) => {
      if (relevant(admittance).length === 0) return { pass: true, ticket: null };
      return (await this.#letLeave(admittance)) ?? judge(admittance);
    };
  }

  get nowMs(): number {
    return this.#options.clock();
  }

  /** True when one of the operations is known to be tripped. */
  isTripped(kind: ObjectKind, operations: readonly Operation[]): boolean {
    return operations.some((operation) => isBraked(operation) && this.#book.isTripped(kind, operation));
  }

  /**
   * Releases what need not be tripped any more: nobody waits for it, or an operator changed its limits. Returns how many
   * objects may go on by that.
   */
  async review(limits: IntegrationSettings['brake']): Promise<number> {
    return this.#inTurn(async () => {
      await this.#load();
      let released = 0;
      for (const kind of ['unit', 'role', 'person'] as const) {
        const tripped = brakedOperations.filter((operation) => this.#book.isTripped(kind, operation));
        for (const operation of tripped) {
          if (await this.#mayGo(kind, operation, limits)) released += await this.#release(kind, operation);
        }
      }
      return released;
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    this.#turns += 1;
    const turn = this.#last.then(work).finally(() => (this.#turns -= 1));
    this.#last = turn.catch(() => {});
    return turn;
  }

  #load(): Promise<void> {
    this.#loading ??= this.#read().catch((error: unknown) => {
      this.#loading = undefined;
      throw error;
    });
    return this.#loading;
  }

  async #read(): Promise<void> {
    const { db, integrationId } = this.#options;
    const { applied, tripped } = await loadBrake(db, integrationId);
    const nowMs = this.nowMs;
    for (const { kind, id, operation, ageMs } of applied) {
      if (isBraked(operation)) this.#book.windows.put(`${kind}/${operation}`, id, nowMs - ageMs);
    }
    for (const { kind, operation } of tripped) if (isBraked(operation)) this.#book.trip(kind, operation);
  }

  /**
   * Lets somebody leave beside what is being judged: to find out what a bulk of others want may take a while. Only where
   * nothing can trip by it, whatever they want; else undefined, and it waits for its turn like anybody.
   */
  async #letLeave(admittance: Admittance): Promise<Admission | undefined> {
    const request = { ...admittance, operations: relevant(admittance) };
    if (this.#turns === 0 || !isLeaver(request)) return undefined;
    await this.#load();
    return this.#passAnyway(request, admittance.limits, new Map());
  }

  async #judgeAll(batch: readonly Admittance[]): Promise<readonly Answer<Admission>[]> {
    await this.#load();
    this.#book.windows.prune(this.nowMs);
    const outstanding = new Map<ObjectKind, number>();
    const fresh = new Set<ObjectKind>();
    const answers: Answer<Admission>[] = [];
    for (const admittance of batch) {
      const request = { ...admittance, operations: relevant(admittance) };
      answers.push(answered(await this.#judge(admittance, request, { outstanding, fresh })));
    }
    return answers;
  }

  async #judge(
    { limits, generation }: Admittance,
    request: BrakeRequest,
    batch: { readonly outstanding: Map<ObjectKind, number>; readonly fresh: Set<ObjectKind> },
  ): Promise<Admission> {
    const { kind } = request;
    const held = request.operations.filter((operation) => this.#book.isTripped(kind, operation));
    if (held.length > 0) return { pass: false, held };
    const pending = this.#pendingOf(kind);
    const isStale = (): boolean => !pending.knows(request.id, generation) || this.nowMs - pending.readAt > pendingMs;
    const passed = isStale() ? await this.#passAnyway(request, limits, batch.outstanding) : undefined;
    if (passed) return passed;
    if (isStale()) await this.#refresh(kind, batch.fresh);
    let view = await this.#view(kind, limits, linkedMs);
    if (request.operations.some((operation) => this.#book.tripOf(kind, operation, view, request.id))) {
      // Nothing trips by old numbers.
      if (!batch.fresh.has(kind)) await this.#refresh(kind, batch.fresh);
      view = await this.#view(kind, limits, 0);
    }
    const judged = this.#book.judge(request, view);
    if (judged.pass) return this.#pass(request);
    await this.#tripped(kind, judged.tripped, limits);
    return { pass: false, held: judged.held };
  }

  #pass(request: BrakeRequest): Admission {
    this.#pending.get(request.kind)?.left(request.id);
    return { pass: true, ticket: this.#book.pass(request) };
  }

  /**
   * Passes it when nothing trips even if everything outstanding wanted the same: no need to know what it wants. Between
   * the look at the windows and the place taken in them nobody else gets a turn.
   */
  async #passAnyway(
    request: BrakeRequest,
    limits: IntegrationSettings['brake'],
    counted: Map<ObjectKind, number>,
  ): Promise<Admission | undefined> {
    const { db, integrationId } = this.#options;
    const { kind } = request;
    const atMost = quickObjects + 1;
    let objects = counted.get(kind) ?? (await countOutstanding(db, { integrationId, kind, atMost }));
    counted.set(kind, objects);
    if (objects > quickObjects && isLeaver(request)) objects = await countLeavers(db, { integrationId, atMost });
    if (objects > quickObjects) return undefined;
    const view = { nowMs: this.nowMs, allowed: (operation: BrakedOperation) => allowedBy(limits[operation], 0) };
    // Who asks is one of them, whatever the row says by now.
    const atLeast = Math.max(1, objects);
    if (this.#book.fits(request, atLeast, view)) return this.#pass(request);
    const known = await this.#view(kind, limits, linkedMs);
    return this.#book.fits(request, atLeast, known) ? this.#pass(request) : undefined;
  }

  #pendingOf(kind: ObjectKind): Pending {
    let pending = this.#pending.get(kind);
    if (!pending) this.#pending.set(kind, (pending = new Pending(kind, this.#options.assess)));
    return pending;
  }

  async #refresh(kind: ObjectKind, fresh: Set<ObjectKind>): Promise<void> {
    const { db, integrationId } = this.#options;
    await this.#pendingOf(kind).read(await readOutstanding(db, { integrationId, kind }), this.nowMs);
    fresh.add(kind);
  }

  async #view(kind: ObjectKind, limits: IntegrationSettings['brake'], maxAgeMs: number): Promise<BrakeView> {
    const { db, integrationId } = this.#options;
    let linked = this.#linked.get(kind);
    if (!linked || this.nowMs - linked.atMs > maxAgeMs) {
      linked = { count: await countLinked(db, { integrationId, kind }), atMs: this.nowMs };
      this.#linked.set(kind, linked);
    }
    const { count } = linked;
    const pending = this.#pendingOf(kind);
    return {
      nowMs: this.nowMs,
      allowed: (operation) => allowedBy(limits[operation], count),
      pending: (operation) => pending.of(operation),
    };
  }

  async #tripped(kind: ObjectKind, trips: readonly Trip[], limits: IntegrationSettings['brake']): Promise<void> {
    if (trips.length === 0) return;
    const { db, fence, integrationId, onTripped } = this.#options;
    for (const { operation } of trips) this.#trippedUnder.set(`${kind}/${operation}`, limits[operation]);
    try {
      await putTrips(db, { ...fence, integrationId, trips });
    } catch (error) {
      // What does not stand there would not survive us: the next request trips it again.
      for (const { operation } of trips) this.#book.release(kind, operation);
      throw error;
    }
    onTripped(kind, trips, await this.#pendingOf(kind).toHold(trips.map(({ operation }) => operation)));
  }

  async #mayGo(kind: ObjectKind, operation: BrakedOperation, limits: IntegrationSettings['brake']): Promise<boolean> {
    const { db, integrationId } = this.#options;
    const under = this.#trippedUnder.get(`${kind}/${operation}`);
    this.#trippedUnder.set(`${kind}/${operation}`, limits[operation]);
    if (under !== undefined && JSON.stringify(under) !== JSON.stringify(limits[operation])) {
      await this.#refresh(kind, new Set());
      return this.#book.tripOf(kind, operation, await this.#view(kind, limits, 0)) === undefined;
    }
    if (await holdsAny(db, { integrationId, kind, operation })) return false;
    await this.#refresh(kind, new Set());
    return this.#pendingOf(kind).of(operation).size === 0;
  }

  async #release(kind: ObjectKind, operation: BrakedOperation): Promise<number> {
    const { db, fence, integrationId } = this.#options;
    const released = await dropTrip(db, { ...fence, integrationId, kind, operation });
    this.#book.release(kind, operation);
    this.#trippedUnder.delete(`${kind}/${operation}`);
    return released;
  }
}

function isLeaver({ kind, operations }: BrakeRequest): boolean {
  return kind === 'person' && operations.every((operation) => operation === 'deactivate');
}

function isBraked(operation: Operation): operation is BrakedOperation {
  return (brakedOperations as readonly Operation[]).includes(operation);
}

function relevant({ operations, isFirstSync }: Admittance): readonly BrakedOperation[] {
  return operations.filter(isBraked).filter((operation) => !(isFirstSync && operation === 'create'));
}
