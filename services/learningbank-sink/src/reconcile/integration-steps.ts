import { type AppError, isAppError } from '@orgstream/core';
import { errorFacts, type Knex } from '@orgstream/database';
import type { Logger } from '@orgstream/runtime';
import type { Way } from '../platform/session-pool.ts';
import { beginFirstRun } from '../runs/first-run.ts';
import { findFirstSnapshot, isFirstSyncDone } from './first-sync.ts';
import { type Integration, type IntegrationStateName, moveState, reportState } from './integration-store.ts';
import { listTarget } from './listing.ts';
import { dropUnusedTargets } from './target-store.ts';

interface IntegrationStepsOptions {
  readonly db: Knex;
  readonly log: Logger;
  readonly platform: string;
  readonly now: () => Date;
  readonly isOwner: () => boolean;
  /** True while we own the platform and nobody changed or disabled the integration. */
  readonly isCurrent: (integration: Integration) => boolean;
  /** True while an object of the integration is being worked on. */
  readonly isWorking: (integrationId: string) => boolean;
  readonly onMoved: () => Promise<void>;
}

/**
 * Moves integrations of an owned platform on, beside the loop, one step of each at a time:
 *
 *   waiting_for_snapshot ── a proved snapshot of the tenant ──▶ listing ── the target is listed ──▶ planning
 *   planning ── the conductor applies the first run ──▶ first_sync ── nothing of it can go on by itself ──▶ live
 *   halted ── an operator changed it ──▶ where it was
 */
export class IntegrationSteps {
  readonly #busy = new Set<string>();
  readonly #options: IntegrationStepsOptions;

  constructor(options: IntegrationStepsOptions) {
    this.#options = options;
  }

  /** Takes the next step of an integration, if there is one and none is under way. */
  advance(integration: Integration, way: Way): void {
    if (this.#busy.has(integration.id) || integration.state === 'live') return;
    this.#busy.add(integration.id);
    void this.#step(integration, way)
      .then((moved) => (moved ? this.#options.onMoved() : undefined))
      .catch((error: unknown) => this.#failed(integration, error))
      .finally(() => this.#busy.delete(integration.id));
  }

  async #step(integration: Integration, way: Way): Promise<boolean> {
    const { db, platform, now, isOwner, log } = this.#options;
    if (!isOwner()) return false;
    const { id, tenant } = integration;
    switch (integration.state) {
      case 'new':
      case 'planning':
      case 'live':
        return false;
      case 'waiting_for_snapshot': {
        const snapshotId = await findFirstSnapshot(db, integration);
        if (snapshotId === undefined) return false;
        const { topDepartmentId, defaultDepartmentId } = way.catalogue;
        return moveState(db, integration, { state: 'listing', snapshotId, topDepartmentId, defaultDepartmentId });
      }
      case 'listing':
        await listTarget({
          db,
          platform,
          session: way.session,
          now,
          stopped: () => !this.#options.isCurrent(integration),
          onTrouble: (error) => this.#failed(integration, error),
        });
        if (!this.#options.isCurrent(integration)) return false;
        log.info({ integration: id, tenant }, 'target listed, first sync is planned');
        return db.transaction((tx) => beginFirstRun(tx, integration));
      case 'first_sync':
        if (this.#options.isWorking(id) || !(await isFirstSyncDone(db, id))) return false;
        if (!(await moveState(db, integration, { state: 'live' }))) return false;
        log.info({ integration: id, tenant }, 'first sync done');
        await dropUnusedTargets(db, platform);
        return true;
      case 'halted':
        return integration.generation > integration.stateGeneration
          ? moveState(db, integration, { state: before(integration) })
          : false;
    }
  }

  async #failed({ id, generation }: Integration, error: unknown): Promise<void> {
    const { db, log } = this.#options;
    log.warn({ ...errorFacts(error), integration: id }, 'integration does not move on');
    const code: AppError['code'] = isAppError(error) ? error.code : 'UNEXPECTED';
    const message = isAppError(error) ? error.message : 'see the log';
    await reportState(db, { id, generation, code, message, retryMs: 1_000 }).catch(() => {});
  }
}

/** Where a halted integration was. */
function before({ firstSyncDone, firstSyncStarted }: Integration): IntegrationStateName {
  if (firstSyncDone) return 'live';
  return firstSyncStarted ? 'first_sync' : 'waiting_for_snapshot';
}
