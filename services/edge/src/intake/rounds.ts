import { isAppError } from '@orgstream/core';
import { errorFacts, type Knex } from '@orgstream/database';
import { backoffMs, type Logger, sleep } from '@orgstream/runtime';
import {
  type IntakeChannel,
  type IntakeLease,
  leaseIntake,
  listIntakeChannels,
  moveCursor,
  noteIntake,
  releaseIntakes,
  renewIntakes,
  writeTypes,
} from './intake-store.ts';
import type { IntakeMetrics } from './metrics.ts';
import type { Outlet } from './outlet.ts';
import type { PlatformClients } from './platform-clients.ts';
import { poll } from './poll.ts';
import { putReadable } from './put-readable.ts';
import { toRecord } from './to-record.ts';

export interface RoundsOptions {
  readonly db: Knex;
  readonly clients: PlatformClients;
  readonly outlet: Pick<Outlet, 'put'>;
  readonly metrics: Pick<IntakeMetrics, 'polled' | 'pollFailed'>;
  readonly log: Logger;
  /** Unique per process. */
  readonly owner: string;
  /** How often a platform without hooks is asked. */
  readonly pollMs: number;
  /** How often notification types are read anew. */
  readonly typesMs: number;
  /** How often channels are listed, default 1 s. */
  readonly listMs?: number;
  /** A dead replica's channels are seen to by another after so long, default 30 s. */
  readonly leaseMs?: number;
  readonly now?: () => number;
}

/** Channels seen to at once. */
const maxAtOnce = 8;

/** After failures in a row it is asked more and more rarely: platforms lock users out who try too often. */
const longestPauseMs = 300_000;

interface Channel {
  busy: boolean;
  dueAt: number;
  failures: number;
  /** The reading of types has its own pauses: types that cannot be read must not keep notifications away. */
  readonly types: { dueAt: number; failures: number; code: string | null };
}

/** One turn of a channel. */
interface Seeing {
  readonly channel: IntakeChannel;
  readonly lease: IntakeLease;
  readonly state: Channel;
  readonly signal: AbortSignal;
}

/**
 * Sees to every channel that is on: reads its platform's notification types from time to time, and polls where there is
 * no hook. A channel belongs to one replica at a time.
 */
export class Rounds {
  readonly #options: Required<RoundsOptions>;
  readonly #channels = new Map<string, Channel>();
  readonly #running = new Set<Promise<void>>();

  constructor(options: RoundsOptions) {
    this.#options = { listMs: 1_000, leaseMs: 30_000, now: Date.now, ...options };
  }

  /** Runs until the signal aborts; then gives the channels back. */
  async run(signal: AbortSignal): Promise<void> {
    const { db, log, owner, listMs, leaseMs } = this.#options;
    while (!signal.aborted) {
      try {
        const integrations = [...this.#channels].flatMap(([id, { busy }]) => (busy ? [id] : []));
        await renewIntakes(db, { owner, integrations, leaseMs });
        this.#start(await listIntakeChannels(db), signal);
      } catch (error) {
        log.warn(errorFacts(error), 'channels not listed');
      }
      await sleep(listMs, signal);
    }
    await Promise.all(this.#running);
    await releaseIntakes(db, owner).catch((error: unknown) => log.debug(errorFacts(error), 'intakes not given back'));
  }

  #start(channels: readonly IntakeChannel[], signal: AbortSignal): void {
    const ids = new Set(channels.map(({ integration }) => integration));
    this.#options.clients.keep(ids);
    for (const [id, { busy }] of this.#channels) if (!ids.has(id) && !busy) this.#channels.delete(id);
    const now = performance.now();
    // Who has waited longest goes first: with more channels than may run at once none is passed over for ever.
    const due = channels
      .map((channel) => ({ channel, state: this.#stateOf(channel.integration) }))
      .filter(({ state }) => !state.busy && state.dueAt <= now)
      .sort((a, b) => a.state.dueAt - b.state.dueAt);
    for (const { channel, state } of due.slice(0, Math.max(0, maxAtOnce - this.#running.size))) {
      const turn = this.#turn(channel, state, signal).finally(() => this.#running.delete(turn));
      this.#running.add(turn);
    }
  }

  #stateOf(integration: string): Channel {
    let state = this.#channels.get(integration);
    if (state === undefined) this.#channels.set(integration, (state = newChannel()));
    return state;
  }

  /** Never rejects: a channel's trouble is its own. */
  async #turn(channel: IntakeChannel, state: Channel, signal: AbortSignal): Promise<void> {
    const { db, owner, leaseMs, typesMs, pollMs, log } = this.#options;
    const { integration } = channel;
    state.busy = true;
    let pauseMs = pollMs;
    let lease: IntakeLease | undefined;
    try {
      lease = await leaseIntake(db, { integration, owner, leaseMs, typesMs });
      if (lease !== undefined && (await this.#seeTo({ channel, lease, state, signal }))) pauseMs = 0;
      state.failures = 0;
    } catch (error) {
      if (!signal.aborted) pauseMs = await this.#failed(integration, { lease, state, error });
    } finally {
      state.dueAt = performance.now() + pauseMs;
      state.busy = false;
      log.trace({ integration, pauseMs }, 'channel seen to');
    }
  }

  /** True: there is more to poll. */
  async #seeTo({ channel, lease, state, signal }: Seeing): Promise<boolean> {
    const { db, clients } = this.#options;
    const client = await clients.of(channel);
    const { types } = state;
    const areDue = lease.typesDue && performance.now() >= types.dueAt;
    const [read, polled] = await Promise.allSettled([
      areDue ? client.notificationTypes({ signal }).then((all) => writeTypes(db, { ...lease, types: all })) : undefined,
      channel.poll ? this.#poll(channel, lease, client, signal) : undefined,
    ]);
    if (areDue && !signal.aborted) this.#noteTypes(channel.integration, types, read);
    if (polled.status === 'rejected') throw polled.reason;
    await noteIntake(db, { ...lease, code: types.code });
    return polled.value === true;
  }

  #noteTypes(integration: string, types: Channel['types'], read: PromiseSettledResult<void>): void {
    if (read.status === 'fulfilled') return void Object.assign(types, { dueAt: 0, failures: 0, code: null });
    types.failures += 1;
    types.code = codeOf(read.reason);
    types.dueAt = performance.now() + this.#pauseAfter(integration, types.failures, read.reason);
  }

  #poll(
    channel: IntakeChannel,
    lease: IntakeLease,
    client: Awaited<ReturnType<PlatformClients['of']>>,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { db, leaseMs } = this.#options;
    const { integration } = channel;
    return poll({
      client,
      after: lease.after,
      sinceMs: channel.sinceMs,
      take: (page) => this.#take(channel, page),
      move: (after, received) => moveCursor(db, { integration, token: lease.token, after, received, leaseMs }),
      signal,
    });
  }

  async #take(
    channel: IntakeChannel,
    page: Awaited<ReturnType<Parameters<typeof poll>[0]['client']['notifications']>>,
  ) {
    const { outlet, metrics, log, now } = this.#options;
    const { tenant, integration } = channel;
    const records = page.flatMap(({ notification }) =>
      notification === null ? [] : [toRecord(notification, { tenant, integration, via: 'poll', nowMs: now() })],
    );
    const refused = new Set((await putReadable(outlet, records)).map(({ id }) => id));
    const unreadable = page.filter(({ notification }) => notification === null || refused.has(notification.id));
    metrics.polled({ notifications: page.length - unreadable.length, unreadable: unreadable.length });
    for (const { id } of unreadable) {
      // What is wrong with it may quote it.
      log.warn({ integration, notification: id }, 'notification stepped over: not readable');
    }
  }

  /** Returns how long to leave the platform alone. */
  async #failed(
    integration: string,
    failed: { readonly lease: IntakeLease | undefined; readonly state: Channel; readonly error: unknown },
  ): Promise<number> {
    const { lease, state, error } = failed;
    state.failures += 1;
    const pauseMs = this.#pauseAfter(integration, state.failures, error);
    if (lease !== undefined)
      await noteIntake(this.#options.db, { ...lease, code: codeOf(error) }).catch(() => undefined);
    return pauseMs;
  }

  /** Tells of a failure, and how long to leave alone what failed. */
  #pauseAfter(integration: string, failures: number, error: unknown): number {
    const { metrics, log, pollMs } = this.#options;
    const pauseMs = Math.max(
      isAppError(error) ? (error.waitMs ?? 0) : 0,
      backoffMs(failures, { baseMs: pollMs, capMs: Math.max(pollMs, longestPauseMs) }),
    );
    metrics.pollFailed(codeOf(error));
    const facts = { ...errorFacts(error), integration, waitMs: Math.round(pauseMs) };
    log[failures < 3 ? 'info' : 'warn'](facts, 'platform not polled');
    return pauseMs;
  }
}

function newChannel(): Channel {
  return { busy: false, dueAt: 0, failures: 0, types: { dueAt: 0, failures: 0, code: null } };
}

function codeOf(error: unknown): string {
  return isAppError(error) ? error.code : 'UNEXPECTED';
}
