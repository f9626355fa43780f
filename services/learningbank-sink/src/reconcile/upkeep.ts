import type { BrakeYard } from '../brake/brake-yard.ts';
import type { Integration } from './integration-store.ts';
import type { WorkerOptions } from './worker-options.ts';
import { releaseShadow, sweep } from './work-store.ts';

/** Waiting objects looked at in one sweep. */
const SWEEP_LIMIT = 1_000;

interface UpkeepOptions extends Pick<WorkerOptions, 'db' | 'clock'> {
  readonly sweepMs: number;
  readonly brakes: BrakeYard;
}

/** What a platform's worker sees to every `sweepMs`: shadows that ended, brakes to be judged anew, waits that are over. */
export class Upkeep {
  readonly #o: UpkeepOptions;
  /** Generations of integrations out of shadow mode whose shadow was seen to. */
  readonly #lit = new Map<string, number>();
  #doneAt = 0;

  constructor(options: UpkeepOptions) {
    this.#o = options;
  }

  /** Does what is due; true when something may be ripe by it. */
  async run(active: readonly Integration[]): Promise<boolean> {
    const { db, sweepMs, clock, brakes } = this.#o;
    if (active.length === 0 || clock() - this.#doneAt < sweepMs) return false;
    this.#doneAt = clock();
    const released = (await this.#leaveShadow(active)) + (await brakes.review(active));
    const ids = active.map(({ id }) => id);
    await sweep(db, ids, SWEEP_LIMIT);
    return released > 0;
  }

  /** What shadow mode held goes on once it is switched off. */
  async #leaveShadow(active: readonly Integration[]): Promise<number> {
    let released = 0;
    for (const { id, shadow, generation } of active) {
      if (shadow || this.#lit.get(id) === generation) continue;
      released += await releaseShadow(this.#o.db, id);
      this.#lit.set(id, generation);
    }
    return released;
  }
}
