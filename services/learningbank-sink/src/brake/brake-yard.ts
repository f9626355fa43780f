import type { Operation } from '@orgstream/core';
import type { Knex } from '@orgstream/database';
import type { Logger } from '@orgstream/runtime';
import type { Assessment, ObjectKind } from '../model.ts';
import type { Integration } from '../reconcile/integration-store.ts';
import type { WorkKey } from '../reconcile/keys.ts';
import type { ObjectBrake } from '../reconcile/object-context.ts';
import type { Held } from '../reconcile/end-work.ts';
import type { Trip } from './book.ts';
import { Brake } from './brake.ts';
import type { Fence } from './brake-store.ts';
import type { ToHold } from './pending.ts';

export interface BrakeYardOptions {
  readonly db: Knex;
  readonly fence: Fence;
  /** Monotonic milliseconds. */
  readonly clock: () => number;
  readonly log: Logger;
  readonly assess: (
    integration: Integration,
    kind: ObjectKind,
    ids: readonly string[],
  ) => Promise<ReadonlyMap<string, Assessment>>;
  readonly isInFlight: (key: WorkKey) => boolean;
  readonly hold: (key: WorkKey, held: Held, generation: number) => Promise<void>;
  /** What the brake holds has changed: metrics tell it at once. */
  readonly onTripped: () => void;
}

/** Objects held in one go. */
const heldAtOnce = 200;

/** The brakes of one owned platform, one per integration. */
export class BrakeYard {
  readonly #options: BrakeYardOptions;
  readonly #brakes = new Map<string, Brake>();
  readonly #integrations = new Map<string, Integration>();

  constructor(options: BrakeYardOptions) {
    this.#options = options;
  }

  /** The brake as objects of the integration meet it. */
  of(integration: Integration): ObjectBrake {
    const brake = this.#brakeOf(integration);
    return {
      admit: (object) =>
        brake.admit({
          ...object,
          limits: integration.settings.brake,
          isFirstSync: object.isFirst || integration.state === 'first_sync',
        }),
      isTripped: (kind, operations) => brake.isTripped(kind, operations),
      nowMs: () => brake.nowMs,
    };
  }

  /** Releases what need not be held any more; returns how many objects may go on by that. */
  async review(integrations: readonly Integration[]): Promise<number> {
    let released = 0;
    for (const integration of integrations) {
      released += await this.#brakeOf(integration).review(integration.settings.brake);
    }
    if (released > 0) this.#options.onTripped();
    return released;
  }

  /** Forgets integrations that are gone. */
  keep(ids: ReadonlySet<string>): void {
    for (const id of this.#brakes.keys()) {
      if (ids.has(id)) continue;
      this.#brakes.delete(id);
      this.#integrations.delete(id);
    }
  }

  #brakeOf(integration: Integration): Brake {
    this.#integrations.set(integration.id, integration);
    const known = this.#brakes.get(integration.id);
    if (known) return known;
    const { db, fence, clock, assess } = this.#options;
    const { id } = integration;
    const brake = new Brake({
      db,
      fence,
      clock,
      integrationId: id,
      assess: (kind, ids) => assess(this.#integrations.get(id) ?? integration, kind, ids),
      onTripped: (kind, trips, objects) => {
        this.#tell(integration, trips);
        void this.#holdAll({ integrationId: id, kind }, trips, objects);
      },
    });
    this.#brakes.set(id, brake);
    return brake;
  }

  #tell({ id, tenant }: Integration, trips: readonly Trip[]): void {
    const { log } = this.#options;
    for (const trip of trips) {
      const facts = { ...trip, integration: id, tenant, code: 'BRAKE_TRIPPED' };
      if (isLeaving(trip)) log.error(facts, 'brake tripped: people who leave are held, an operator decides');
      else log.warn(facts, 'brake tripped: an operator decides');
    }
  }

  /** Shows at once how many are held; each would be held at its own turn anyway. */
  async #holdAll(
    of: Pick<WorkKey, 'integrationId' | 'kind'>,
    trips: readonly Trip[],
    objects: readonly ToHold[],
  ): Promise<void> {
    const { isInFlight, hold, log, onTripped } = this.#options;
    const tripped: readonly Operation[] = trips.map(({ operation }) => operation);
    try {
      for (let at = 0; at < objects.length; at += heldAtOnce) {
        const batch = objects.slice(at, at + heldAtOnce).filter(({ id }) => !isInFlight({ ...of, id }));
        await Promise.all(
          batch.map(({ id, generation, operations, hash }) => {
            const detail = { tripped: tripped.filter((operation) => operations.includes(operation)) };
            return hold({ ...of, id }, { to: 'held', code: 'BRAKE_TRIPPED', operations, hash, detail }, generation);
          }),
        );
      }
    } catch (error) {
      log.debug({ err: error, integration: of.integrationId }, 'held one by one');
    }
    onTripped();
  }
}

/** Somebody who left keeps the access while this is held. */
function isLeaving({ kind, operation }: Trip): boolean {
  return kind === 'person' && (operation === 'deactivate' || operation === 'delete');
}
