import type { RunScope } from '@orgstream/core';
import { insertCommand, readCommand, type Command, type CommandRow, type RunDecision } from '@orgstream/database';
import { until } from '@orgstream/testkit';
import type { WorkerSettings } from '../reconcile/worker-options.ts';
import { member, person, type SimPlatform, SinkContext, unit } from '../reconcile/fixture.ts';

/** A run, as tests look at it. */
export interface RunSeen {
  readonly id: string;
  readonly kind: string;
  readonly state: string;
  readonly code: string | null;
  readonly isFirst: boolean;
  readonly needsApproval: boolean;
  readonly paused: boolean;
  readonly counts: Readonly<Record<string, number>>;
  readonly progress: Readonly<Record<string, number | null>>;
  readonly decidedBy: string | null;
}

/** An item, in short: `person/a`. */
export interface ItemSeen {
  readonly key: string;
  readonly operations: readonly string[];
  readonly state: string;
  readonly code: string | null;
  readonly hash: string | null;
}

type Answer = Pick<CommandRow, 'state' | 'code' | 'result' | 'message'>;

/** What operators see and do, through commands and tables only. */
export class Operator {
  readonly ctx: SinkContext;
  readonly integration: string;

  constructor(ctx: SinkContext, integration: string) {
    this.ctx = ctx;
    this.integration = integration;
  }

  async ask(command: Command): Promise<Answer> {
    const id = await insertCommand(this.ctx.db, command);
    return until(
      async () => {
        const row = await readCommand(this.ctx.db, id);
        return row && (row.state === 'done' || row.state === 'failed') ? row : undefined;
      },
      { deadlineMs: 10_000, what: `an answer to ${command.kind}` },
    );
  }

  start(
    kind: RunSeen['kind'],
    options: { readonly scope?: RunScope; readonly dryRun?: boolean; readonly settingsVersion?: number } = {},
  ): Promise<Answer> {
    const { scope = { all: true }, dryRun = false, settingsVersion } = options;
    const payload = { integration: this.integration, kind: kind as 'sync', scope, dryRun, by: 'ann' };
    return this.ask({
      addressee: 'learningbank-sink',
      kind: 'run.start',
      payload: settingsVersion === undefined ? payload : { ...payload, settingsVersion },
    });
  }

  /** Starts a run that must not be refused; its id. */
  async started(...args: Parameters<Operator['start']>): Promise<string> {
    const { code, message, result } = await this.start(...args);
    if (code !== null) throw new Error(`${code}: ${message}`);
    return (result as { readonly run: string }).run;
  }

  decide(run: string, decision: RunDecision['decision'], more: Partial<RunDecision> = {}): Promise<Answer> {
    const payload = { run, decision, by: 'ann', ...more, integration: this.integration };
    return this.ask({ addressee: 'learningbank-sink', kind: 'run.decide', payload });
  }

  async runs(): Promise<readonly RunSeen[]> {
    const { rows } = await this.ctx.db.raw<{ rows: RunSeen[] }>(
      `select id, kind, state, code, is_first as "isFirst", needs_approval as "needsApproval", paused, counts, progress, decided_by as "decidedBy"
         from sink.run where integration_id = ? order by created_at, id`,
      [this.integration],
    );
    return rows;
  }

  async run(id: string): Promise<RunSeen> {
    return (await this.runs()).find((run) => run.id === id)!;
  }

  async items(run: string): Promise<readonly ItemSeen[]> {
    const { rows } = await this.ctx.db.raw<{ rows: ItemSeen[] }>(
      `select kind || '/' || id as key, operations, state, code, hash from sink.run_item where run_id = ? order by no`,
      [run],
    );
    return rows;
  }

  /** Items and what became of them. */
  async fates(run: string): Promise<Readonly<Record<string, string>>> {
    return Object.fromEntries((await this.items(run)).map(({ key, state }) => [key, state]));
  }

  reaches(run: string, ...states: readonly string[]): Promise<RunSeen> {
    let last: RunSeen | undefined;
    return until(
      async () => {
        last = await this.run(run);
        return states.includes(last.state) ? last : undefined;
      },
      { deadlineMs: 50_000, what: () => `the run to be ${states.join(' or ')}; last: ${JSON.stringify(last)}` },
    );
  }

  /** The newest run of a kind, once there is one in one of these states. */
  latest(kind: string, ...states: readonly string[]): Promise<RunSeen> {
    let last: readonly RunSeen[] = [];
    return until(
      async () => {
        last = await this.runs();
        const found = last.findLast((run) => run.kind === kind);
        return found && states.includes(found.state) ? found : undefined;
      },
      { deadlineMs: 50_000, what: () => `a ${kind} run to be ${states.join(' or ')}; last: ${JSON.stringify(last)}` },
    );
  }

  async enable(enabled: boolean): Promise<void> {
    await this.ctx.db.raw(`update control.integration set enabled = ?, generation = generation + 1 where id = ?`, [
      enabled,
      this.integration,
    ]);
  }

  async putSettings(version: number, settings: object): Promise<void> {
    await this.ctx.db.raw(
      `insert into control.settings (integration_id, version, settings)
       select integration_id, ?, settings || cast(? as jsonb) from control.settings where integration_id = ? and version = 1`,
      [version, JSON.stringify(settings), this.integration],
    );
  }
}

/** `count` people in unit 11. */
export const crowd = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, n) => `${prefix}${n}`).flatMap((id) => [person(id), member(`m${id}`, id, '11')]);

/** A live integration with a small organisation and `people` people in unit 11. */
export async function live(
  ctx: SinkContext,
  people: number,
  options: { readonly settings?: object; readonly platform?: object; readonly worker?: Partial<WorkerSettings> } = {},
): Promise<{ readonly operator: Operator; readonly platform: SimPlatform }> {
  const platform = await ctx.platform(options.platform);
  const integration = await ctx.integrate(platform, { settings: options.settings ?? {} });
  await ctx.commit(unit('1', null, 'Acme'), unit('11', '1', 'North'), unit('12', '1', 'South'), ...crowd('p', people));
  ctx.start(options.worker);
  await ctx.prove();
  await ctx.converged();
  const operator = new Operator(ctx, integration);
  await operator.latest('sync', 'done');
  return { operator, platform };
}

/** A planned gap run of two: p0's new name, which can go on, and x, who is parked because p1 has the e-mail. Its id. */
export async function planBesideParked(operator: Operator): Promise<string> {
  await operator.enable(false);
  await operator.ctx.commit(
    person('x', { email: 'pp1@example.org' }),
    member('mx', 'x', '11'),
    person('p0', { firstName: 'New' }),
  );
  await operator.enable(true);
  return (await operator.latest('gap', 'planned')).id;
}
