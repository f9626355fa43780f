import { type AppError, isAppError } from '@orgstream/core';
import { errorFacts, type Knex, type Lease, postgresError } from '@orgstream/database';
import { Bell, type Logger } from '@orgstream/runtime';
import type { Way } from '../platform/session-pool.ts';
import { plannerVersion as currentPlanner } from '../plan/index.ts';
import type { Integration } from '../reconcile/integration-store.ts';
import { type Application, beginApplying } from './apply.ts';
import { beginDueRuns } from './automatic.ts';
import { answerCommands, type CommandHandlers } from './commands.ts';
import { findApplying, hasPlanned } from './decide.ts';
import { createFence, type Fenced } from './fence.ts';
import { endRun, failRun } from './finish.ts';
import type { RunPlanners } from './kind.ts';
import { planRun } from './planning.ts';
import { createRunHandlers } from './run-handlers.ts';
import { lockRun, moveRun, readOpenRuns, type RunRow } from './run-store.ts';
import { followRun, Pace } from './settle.ts';

export interface ConductorOptions {
  readonly db: Knex;
  readonly log: Logger;
  readonly lease: Lease;
  readonly stop: AbortSignal;
  readonly now: () => Date;
  /** How often a run under way is looked at. */
  readonly pollMs: number;
  /** Those of the platform, as last read. */
  readonly integrations: () => readonly Integration[];
  /** Reads the integrations again: a run has changed them. */
  readonly refresh: () => Promise<void>;
  readonly wayOf: (integrationId: string) => Way | undefined;
  readonly planners: RunPlanners;
  /** Of commands that are not about runs. */
  readonly handlers: CommandHandlers;
  /** Default: of the planner as it is. */
  readonly plannerVersion?: number;
}

/** Without runs under way the tables are looked at this often; commands and changes of integrations ring the bell. */
const idleMs = 3_000;

/**
 * Conducts the runs of one owned platform:
 *
 *   waiting_for_snapshot ─▶ planning ─▶ planned ─ approved, or by itself ─▶ applying ─ nothing goes on, nothing held ─▶ done
 *                                          └─ dry run, or nothing to do ─▶ done          cancelled, failed: from any of them
 *
 * Everything is in the tables, and every move compares the state it was seen in: killed anywhere, the next owner plans
 * again what was being planned, and goes on following what was being applied.
 */
export class Conductor {
  readonly #bell = new Bell();
  readonly #inboxBell = new Bell();
  readonly #options: ConductorOptions;
  readonly #fenced: Fenced;
  readonly #plannerVersion: number;
  /** Plans being made, by run. */
  readonly #planning = new Map<string, { readonly stop: AbortController; readonly done: Promise<void> }>();
  readonly #paces = new Map<string, Pace>();

  constructor(options: ConductorOptions) {
    this.#options = options;
    this.#fenced = createFence(options.db, options.lease);
    this.#plannerVersion = options.plannerVersion ?? currentPlanner;
  }

  /** Commands or integrations have changed. */
  ring(): void {
    this.#bell.ring();
    this.#inboxBell.ring();
  }

  /** Works until stopped; resolves when no plan is being made any more. Commands do not wait for runs, nor runs for them. */
  async run(): Promise<void> {
    await Promise.all([
      this.#repeat(this.#bell, () => this.#turn()),
      this.#repeat(this.#inboxBell, () => this.#answer()),
    ]);
    for (const { stop: end } of this.#planning.values()) end.abort();
    await Promise.all([...this.#planning.values()].map(({ done }) => done));
  }

  async #repeat(bell: Bell, turn: () => Promise<number>): Promise<void> {
    const { stop, log, lease, pollMs } = this.#options;
    while (!stop.aborted) {
      let waitMs = pollMs;
      try {
        if (lease.held) waitMs = await turn();
      } catch (error) {
        if (!isAppError(error, 'LEASE_LOST')) log.warn({ ...errorFacts(error), platform: lease.key }, 'runs wait');
      }
      await bell.wait(waitMs, stop);
    }
  }

  async #answer(): Promise<number> {
    const { db, log, lease, stop, integrations, handlers, refresh } = this.#options;
    const own = createRunHandlers({ ...this.#options, fenced: this.#fenced, plannerVersion: this.#plannerVersion });
    const all = { ...handlers, ...own };
    const inbox = { db, log, handlers: all, integrations, refresh, contextOf: this.#commandContext };
    const answered = await answerCommands(inbox, () => stop.aborted || !lease.held);
    if (answered > 0) this.#bell.ring();
    return idleMs;
  }

  /** One look at every run; returns how long to wait for the next if no bell rings. */
  async #turn(): Promise<number> {
    const { db, pollMs, integrations } = this.#options;
    const startedAt = performance.now();
    await beginDueRuns({ db, fenced: this.#fenced }, integrations(), this.#plannerVersion);
    const ids = integrations().map(({ id }) => id);
    const runs = await readOpenRuns(db, ids);
    this.#forget(runs);
    let busy = false;
    for (const run of runs) busy = (await this.#advance(run)) || busy;
    // A long run is looked at more rarely, so that looking stays a small part of the work.
    return busy ? Math.max(pollMs, (performance.now() - startedAt) * 10) : idleMs;
  }

  readonly #commandContext = (integration: Integration) => {
    const { db, log, lease, now, wayOf } = this.#options;
    const way = wayOf(integration.id);
    return { db, log, platform: lease.key, integration, way, now, fenced: this.#fenced };
  };

  /** Takes the next step of a run, if there is one; true when it should be looked at again soon. */
  async #advance(run: RunRow): Promise<boolean> {
    const integration = this.#options.integrations().find(({ id }) => id === run.integrationId);
    if (!integration) return false;
    try {
      if (run.kind === 'gap' && !integration.enabled) return await this.#cancelDisabled(run);
      switch (run.state) {
        case 'planning':
          return this.#plan(run, integration);
        case 'planned':
          return await this.#leavePlanned(run, integration);
        case 'applying':
          return await this.#follow(run);
        default:
          return false;
      }
    } catch (error) {
      await this.#failed(run, error);
      return true;
    }
  }

  async #cancelDisabled(run: RunRow): Promise<boolean> {
    const error = { code: 'NOT_SENDING', message: 'the integration was disabled' } as const;
    await this.#locked(run, (tx, locked) => endRun(tx, locked, { state: 'cancelled', error }));
    return false;
  }

  /** Plans beside the loop, each run once. */
  #plan(run: RunRow, integration: Integration): boolean {
    const { db, log, lease, now, wayOf, planners } = this.#options;
    if (this.#planning.has(run.id)) return true;
    const way = wayOf(run.integrationId);
    const planner = planners[run.kind];
    const isFirst = run.isFirst || run.kind === 'rebuild';
    if (!planner || !integration.enabled) return false;
    if (!way) return true;
    if (isFirst ? integration.state !== 'planning' : integration.state !== 'live') return false;
    const stop = new AbortController();
    const options = { db, log, fenced: this.#fenced, platform: lease.key, run, way, planner, now };
    const plan = async (): Promise<void> => {
      // The settings that are planned under are those in force now, not those of the last look.
      await this.#options.refresh();
      const current = this.#options.integrations().find(({ id }) => id === integration.id);
      if (!current) return;
      const under = { integration: current, plannerVersion: this.#plannerVersion, signal: stop.signal };
      await planRun({ ...options, ...under });
    };
    const done = plan()
      .catch((error: unknown) => (stop.signal.aborted ? undefined : this.#failed(run, error)))
      .finally(() => {
        this.#planning.delete(run.id);
        this.#bell.ring();
      });
    this.#planning.set(run.id, { stop, done });
    return true;
  }

  async #leavePlanned(run: RunRow, integration: Integration): Promise<boolean> {
    if (run.dryRun) {
      await this.#locked(run, (tx, locked) => moveRun(tx, locked, { state: 'done' }));
      return false;
    }
    if (run.needsApproval || !integration.enabled) return false;
    const isBlocked = await this.#locked(run, async (tx, locked) => {
      if (locked.state !== 'planned' || locked.needsApproval) return false;
      if ((await findApplying(tx, locked)) !== undefined) return true;
      // Who rejected all that could go on has approved nothing: what stands behind something parked, say.
      const by = (await hasPlanned(tx, locked)) ? locked.decidedBy : null;
      await beginApplying(tx, this.#application(locked, integration), { choice: {}, by });
      return false;
    });
    await this.#options.refresh();
    return !isBlocked;
  }

  async #follow(run: RunRow): Promise<boolean> {
    let pace = this.#paces.get(run.id);
    if (!pace) this.#paces.set(run.id, (pace = new Pace()));
    const at = { at: pace, nowMs: this.#options.now().getTime() };
    const isBusy = await this.#locked(run, (tx, locked) =>
      locked.state === 'applying' ? followRun(tx, locked, at) : Promise.resolve(true),
    );
    return isBusy === true;
  }

  #application(run: RunRow, integration: Integration): Application {
    const { planners, lease } = this.#options;
    const planner = planners[run.kind]!;
    return { run, integration, platform: lease.key, planner, plannerVersion: this.#plannerVersion };
  }

  /** Runs `work` on the run as it is now, locked. */
  async #locked<T>(run: RunRow, work: (tx: Knex, run: RunRow) => Promise<T>): Promise<T | undefined> {
    return this.#fenced(async (tx) => {
      const locked = await lockRun(tx, run);
      return locked ? work(tx, locked) : undefined;
    });
  }

  /** A code ends the run; trouble of the database or the platform is tried again. */
  async #failed(run: RunRow, error: unknown): Promise<void> {
    const { log } = this.#options;
    const known = isAppError(error) ? error : postgresError(error, 'conducting a run');
    if (isAppError(known) && known.disposition === 'retry') {
      log.info({ ...errorFacts(known), runId: run.id, kind: run.kind }, 'run waits');
      return;
    }
    log.warn({ ...errorFacts(error), runId: run.id, kind: run.kind, integration: run.integrationId }, 'run failed');
    const code: AppError['code'] = isAppError(error) ? error.code : 'UNEXPECTED';
    const message = isAppError(error) ? error.message : 'see the log of the sink';
    await failRun(this.#fenced, run, { code, message }).catch((failure: unknown) =>
      log.warn({ ...errorFacts(failure), runId: run.id }, 'run not ended'),
    );
  }

  #forget(runs: readonly RunRow[]): void {
    const open = new Map(runs.map((run) => [run.id, run.state]));
    for (const id of this.#paces.keys()) if (open.get(id) !== 'applying') this.#paces.delete(id);
    for (const [id, { stop }] of this.#planning) if (open.get(id) !== 'planning') stop.abort();
  }
}
