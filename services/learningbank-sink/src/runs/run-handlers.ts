import { AppError, isAppError } from '@orgstream/core';
import type { Knex, Lease } from '@orgstream/database';
import type { Integration } from '../reconcile/integration-store.ts';
import type { CommandHandlers } from './commands.ts';
import { decide } from './decide.ts';
import type { Fenced } from './fence.ts';
import { failRun } from './finish.ts';
import type { RunPlanners } from './kind.ts';
import { lockRun } from './run-store.ts';
import { startRun } from './start.ts';

interface RunHandlersOptions {
  readonly fenced: Fenced;
  readonly lease: Lease;
  readonly planners: RunPlanners;
  readonly plannerVersion: number;
  /** Reads the integrations again: a run has changed them. */
  readonly refresh: () => Promise<void>;
}

/** Answers `run.start` and `run.decide`, each in one transaction: nothing is half done. */
export function createRunHandlers(options: RunHandlersOptions): CommandHandlers {
  const { fenced, lease, planners, plannerVersion, refresh } = options;
  const platform = lease.key;
  return {
    'run.start': async (payload, { integration }) => {
      const starting = { integration, platform, planners, plannerVersion };
      const started = await endingStale(fenced, integration, (tx) => startRun(tx, starting, payload));
      await refresh();
      return started;
    },
    'run.decide': async (payload, { integration }) => {
      await endingStale(fenced, integration, async (tx) => {
        const run = await lockRun(tx, { id: payload.run, integrationId: integration.id });
        const planner = run && planners[run.kind];
        if (!run || !planner) throw new AppError('NOT_FOUND', 'deciding: the integration has no such run');
        await decide(tx, { run, integration, platform, planner, plannerVersion }, payload);
      });
      await refresh();
      return { run: payload.run };
    },
  };
}

/** A plan that was approved too late is no plan any more: it ends with the code that the operator gets. */
async function endingStale<T>(
  fenced: Fenced,
  { id: integrationId }: Integration,
  work: (tx: Knex) => Promise<T>,
): Promise<T> {
  try {
    return await fenced(work);
  } catch (error) {
    if (isAppError(error, 'RUN_SETTINGS_CHANGED', 'RUN_PLANNER_CHANGED') && typeof error.data['run'] === 'string') {
      await failRun(fenced, { id: error.data['run'], integrationId, state: 'planned' }, error);
    }
    throw error;
  }
}
