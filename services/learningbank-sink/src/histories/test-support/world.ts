import { createLearningbankClient, type LearningbankClient } from '@orgstream/clients';
import { defaultSettings, type IntegrationSettings } from '@orgstream/core';
import type { Command, CommandRow } from '@orgstream/database';
import type { Decoded } from '@orgstream/kafka';
import { sleep } from '@orgstream/runtime';
import { until } from '@orgstream/testkit';
import { query } from '../../ingest/query.ts';
import {
  assigned,
  member,
  person,
  role,
  type Said,
  SinkContext,
  type SimPlatform,
  unit,
} from '../../reconcile/fixture.ts';
import { Operator } from '../../runs/fixture.ts';
import { type Foreign, foreignOf } from './compare.ts';
import type { Standing } from './expected.ts';
import { callTimeoutMs, startMortal, type Mortal } from './mortal.ts';
import { Source, tenant } from './source.ts';

type State = Awaited<ReturnType<SimPlatform['state']>>;

/** People of whom so many may leave at once. */
export const brakeCount = 2;

/** Small counts, so that six people can be a mass. */
const brake = {
  ...defaultSettings.brake,
  deactivate: { count: brakeCount, share: 0.2, dayShare: 0.2 },
  email_changed: { count: 3, share: 0.2, dayShare: 0.2 },
  permission_removed: { count: 3, share: 0.2, dayShare: 0.2 },
};

/** What was decided about somebody who was rejected; of others it is only known that they may be held. */
export interface Decision {
  readonly lsn: number;
  readonly user: unknown;
  /** It was about leaving: nothing but coming back makes it void. */
  readonly left: boolean;
}

/** One tenant, its sink and its Learningbank. */
export class World implements AsyncDisposable {
  readonly source = new Source();
  readonly ctx: SinkContext;
  readonly platform: SimPlatform;
  readonly operator: Operator;
  /** An administrator of Learningbank, who changes things there. */
  readonly hand: LearningbankClient;
  /** People about whom an operator decided, and the source's position then. */
  readonly decided = new Map<string, Decision>();
  /** Somebody changed the target by hand since the last repair. */
  drifted = false;
  foreign: Foreign | undefined;
  /** What is on its way. */
  readonly late: Decoded[][] = [];
  readonly versions: Standing[] = [{ uniqueUnits: false, excluded: [] }];
  expiresAt = 0;
  /** What happened, for those who want to know whether histories reach it. */
  readonly met = new Map<string, number>();
  #handWrites = 0;
  /** Writes up to the moment when nothing may be sent any more. */
  #silentAt: number | undefined;
  #sink: Mortal;

  private constructor(ctx: SinkContext, platform: SimPlatform, integration: string) {
    this.ctx = ctx;
    this.platform = platform;
    this.operator = new Operator(ctx, integration);
    const { url: baseUrl, credentials } = platform.facts;
    this.hand = createLearningbankClient({ baseUrl, credentials, timeoutMs: 5_000 });
    this.#sink = startMortal(ctx);
  }

  static async open(): Promise<World> {
    const ctx = await SinkContext.open();
    const platform = await ctx.platform({
      departments: [{ name: 'Foreign' }],
      permissionTypes: ['Trainer'],
      jobProfiles: ['Seller'],
      users: [{ firstName: 'Not', lastName: 'Ours', email: 'foreign@example.org', departments: ['Foreign'] }],
    });
    const world = new World(ctx, platform, await ctx.integrate(platform, { settings: { brake } }));
    world.foreign = foreignOf(await platform.state());
    await world.says(unit('1', null, 'Acme'), unit('2', '1', 'North'), unit('3', '2', 'South'));
    await world.says(role('r1', 'Seller'), role('r2', 'Baker'));
    for (const id of ['1', '2', '3', '4', '5', '6']) {
      const at = Number(id) % 2 === 0 ? '2' : '3';
      await world.says(person(id), member(`${id}a`, id, at), assigned(`${id}ar1`, `${id}a`, 'r1'));
    }
    await ctx.prove(tenant);
    await until(async () => (await ctx.state(world.operator.integration)).state === 'live', {
      deadlineMs: 20_000,
      what: 'the first sync',
    });
    return world;
  }

  /** A transaction of the source, delivered at once. */
  async says(...said: readonly Said[]): Promise<void> {
    if (said.length > 0) await this.ctx.take(this.source.say(...said));
  }

  /** One that is delivered some time after what follows it. */
  saysLate(...said: readonly Said[]): void {
    if (said.length > 0) this.late.push([...this.source.say(...said)]);
  }

  async deliverLate(): Promise<void> {
    for (const records of this.late.splice(0).toReversed()) await this.ctx.take(records);
  }

  async crash(): Promise<void> {
    await this.#sink.crash();
    this.#sink = startMortal(this.ctx);
  }

  /** A second replica runs beside the first for a while, then the first one goes. */
  async takeover(): Promise<void> {
    const next = startMortal(this.ctx);
    await this.#sink.stop();
    this.#sink = next;
  }

  meets(what: string): void {
    this.met.set(what, (this.met.get(what) ?? 0) + 1);
  }

  /** A change that somebody makes at the target. */
  async byHand(change: (hand: LearningbankClient) => Promise<unknown>): Promise<void> {
    this.drifted = true;
    this.#handWrites += 1;
    await this.platform.heal();
    await change(this.hand);
  }

  async #writes(): Promise<number> {
    return (await this.platform.writes()).length - this.#handWrites;
  }

  /** Disabled, paused, stopped and in shadow mode, nothing is sent once the calls under way have ended. */
  async assertSilent(): Promise<void> {
    if (await this.flows()) this.#silentAt = undefined;
    else if (this.#silentAt === undefined) {
      await sleep(callTimeoutMs + 100);
      this.#silentAt = await this.#writes();
    } else if ((await this.#writes()) !== this.#silentAt) {
      throw new Error(
        `something was sent although nothing may be: ${JSON.stringify((await this.platform.writes()).at(-1))}`,
      );
    } else this.meets('silence');
  }

  /** Of the integration, as an operator sets it. */
  async set(what: 'enabled' | 'paused' | 'shadow', value: boolean): Promise<void> {
    await this.assertSilent();
    await this.ctx.db.raw(
      `update control.integration set ${what} = ?, generation = generation + 1 where id = ? and ${what} <> ?`,
      [value, this.operator.integration, value],
    );
    await this.ctx.db.raw(`select pg_notify('orgstream_integration', '')`);
    await this.assertSilent();
  }

  /** Nothing holds anything back any more. */
  async allOn(): Promise<void> {
    for (const what of ['paused', 'shadow'] as const) await this.set(what, false);
    await this.set('enabled', true);
    await this.stopAll(false);
  }

  async stopAll(stopped: boolean): Promise<void> {
    await this.assertSilent();
    await this.ctx.db.raw(`update control.stop set stopped = ?`, [stopped]);
    await this.assertSilent();
  }

  /** Nothing holds everything back at present. */
  async flows(): Promise<boolean> {
    const [row] = await query<{ flows: boolean }>(
      this.ctx.db,
      `select i.enabled and not i.paused and not i.shadow and not s.stopped as flows from control.integration i, control.stop s`,
      [],
    );
    return row!.flows;
  }

  async act(action: string, rest: object): Promise<CommandRow> {
    const payload = { integration: this.operator.integration, action, by: 'ann', ...rest };
    const command = { addressee: 'learningbank-sink', kind: 'objects.act', payload } as Command;
    const answer = await this.operator.ask(command);
    if (answer.code === 'UNEXPECTED') throw new Error(`${action}: ${answer.message}`);
    if (answer.code === null) this.meets(action);
    return answer as CommandRow;
  }

  /** Plans an edit of the settings and, when it asks, decides about it. */
  async settings(change: Partial<Standing>, approve: boolean): Promise<void> {
    const next = { ...(await this.standing()), ...change };
    this.versions.push(next);
    const settings: Partial<IntegrationSettings> = {
      uniqueUnits: next.uniqueUnits,
      filters: { ...defaultSettings.filters, users: { include: [], exclude: next.excluded } },
    };
    await this.operator.putSettings(this.versions.length, settings);
    const answer = await this.operator.start('settings', { settingsVersion: this.versions.length });
    const run = (answer.result as { run?: string } | null)?.run;
    if (answer.code !== null || run === undefined) return;
    const seen = await this.rests(run);
    if (seen !== 'planned') return;
    const decided = await this.operator.decide(run, approve ? 'approve' : 'reject');
    if (decided.code === null) this.meets(`settings ${approve ? 'approved' : 'rejected'}`);
  }

  /** The settings in force. */
  async standing(): Promise<Standing> {
    const [row] = await query<{ v: number }>(this.ctx.db, `select settings_version as v from control.integration`, []);
    return this.versions[row!.v - 1]!;
  }

  /** A run that asks for approval, has ended, or has nothing left that goes on by itself within a while. */
  async rests(run: string, deadlineMs = 4_000): Promise<string> {
    const look = async (): Promise<string> => {
      const { state, needsApproval } = await this.operator.run(run);
      return state === 'planned' && !needsApproval ? 'waits' : state;
    };
    return until(
      async () => {
        const state = await look();
        return ['planned', 'done', 'failed', 'cancelled'].includes(state) ? state : undefined;
      },
      { deadlineMs, what: 'a run' },
    ).catch(look);
  }

  state(): Promise<State> {
    return this.platform.state();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sink.stop().catch(() => {});
    await this.ctx[Symbol.asyncDispose]();
  }
}
