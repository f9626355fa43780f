import type { RunKind, RunScope } from '@orgstream/core';
import { type Command, type CommandRow, insertCommand, type ObjectsAction, readCommand } from '@orgstream/database';
import { until } from '@orgstream/testkit';
import { query } from '../ingest/query.ts';
import type { SinkContext } from '../reconcile/fixture.ts';

/** An item of a run, as tests look at it. */
export interface ItemSeen {
  readonly kind: string;
  readonly id: string;
  readonly operations: readonly string[];
  readonly state: string;
  readonly code: string | null;
  readonly before: Readonly<Record<string, unknown>> | null;
  readonly after: Readonly<Record<string, unknown>> | null;
}

type Payload<K extends Command['kind']> = Extract<Command, { kind: K }>['payload'];

/** Asks the running sink for things, as `control` does. */
export class Operator {
  readonly #ctx: SinkContext;
  readonly integration: string;

  constructor(ctx: SinkContext, integration: string) {
    this.#ctx = ctx;
    this.integration = integration;
  }

  async ask<K extends 'run.start' | 'run.decide' | 'objects.act' | 'explain' | 'person.sync'>(
    kind: K,
    payload: Omit<Payload<K>, 'integration'>,
  ): Promise<CommandRow> {
    const command = { addressee: 'learningbank-sink', kind, payload: { integration: this.integration, ...payload } };
    const id = await insertCommand(this.#ctx.db, command as unknown as Command);
    const ended = async (): Promise<CommandRow | undefined> => {
      const row = await readCommand(this.#ctx.db, id);
      return row?.state === 'done' || row?.state === 'failed' ? row : undefined;
    };
    return until(ended, { deadlineMs: 10_000, what: `an answer to ${kind}` });
  }

  act(
    action: ObjectsAction['action'],
    rest: Omit<ObjectsAction, 'integration' | 'action' | 'by'>,
  ): Promise<CommandRow> {
    return this.ask('objects.act', { action, by: 'a test', ...rest });
  }

  /** Starts a run and waits until it asks for approval; one that asks nobody, until its end. */
  async plan(kind: RunKind, scope: RunScope = { all: true }, dryRun = false): Promise<string> {
    const answer = await this.ask('run.start', { kind, scope, dryRun, by: 'a test' });
    if (answer.state !== 'done') throw new Error(`${answer.code}: ${answer.message}`);
    const { run } = answer.result as { readonly run: string };
    await this.reached(run, ['asks', 'done', 'failed']);
    return run;
  }

  /** Approves a planned run and waits for its end. */
  async approve(run: string): Promise<void> {
    const answer = await this.ask('run.decide', { run, decision: 'approve', by: 'a test' });
    if (answer.state !== 'done') throw new Error(`${answer.code}: ${answer.message}`);
    await this.reached(run, ['done']);
  }

  async items(run: string): Promise<readonly ItemSeen[]> {
    return query<ItemSeen>(
      this.#ctx.db,
      `select kind, id, operations, state, code, before, after from sink.run_item where run_id = ? order by no`,
      [run],
    );
  }

  async run(run: string): Promise<{ readonly state: string; readonly code: string | null }> {
    const rows = await query<{ state: string; code: string | null }>(
      this.#ctx.db,
      `select case when state = 'planned' and needs_approval and not dry_run then 'asks' else state end as state, code from sink.run where id = ?`,
      [run],
    );
    return rows[0]!;
  }

  async reached(run: string, states: readonly string[]): Promise<void> {
    let last: unknown;
    await until(
      async () => {
        last = { run: await this.run(run), work: await this.#ctx.work() };
        return states.includes((await this.run(run)).state);
      },
      { deadlineMs: 15_000, what: () => `the run to be ${states.join(' or ')}; last: ${JSON.stringify(last)}` },
    );
  }
}
