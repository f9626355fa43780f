import { randomUUID } from 'node:crypto';
import { errorFacts, type Knex, LeaseOwner, listen } from '@orgstream/database';
import { type Logger, type SecretBox, sleep } from '@orgstream/runtime';
import { createZiikChat } from '../chat/ziik-chat.ts';
import { Commands } from '../commands/commands.ts';
import type { ServedChannels } from '../commands/served-channels.ts';
import { readGauges } from '../ledger/gauge-store.ts';
import { ledgerChannel } from '../ledger/intake-store.ts';
import { dropOld, endHopeless, erasePayloads } from '../ledger/sweep-store.ts';
import type { BridgeMetrics } from '../metrics.ts';
import { tenantLeases } from '../tenant/tenant-store.ts';
import { TenantWorker } from '../tenant/tenant-worker.ts';
import type { DeliverySettings } from './settings.ts';
import { Turns } from './turns.ts';

export interface DeliveryOptions {
  readonly db: Knex;
  /** For the connection that listens. */
  readonly databaseUrl: string;
  readonly secrets: SecretBox;
  readonly log: Logger;
  readonly metrics: BridgeMetrics;
  readonly settings: DeliverySettings;
  /** Milliseconds that never jump. */
  readonly clock?: () => number;
}

/** Ledger → Ziik: a worker per tenant, commands, retention. */
export interface Delivery {
  /** Runs until the signal aborts; resolves once nothing is in flight and the tenants are given back. */
  run(signal: AbortSignal): Promise<void>;
  /** Tenants owned now. */
  readonly tenants: readonly string[];
  readonly ready: boolean;
  /** Monotonic milliseconds since the loop last went round, for /livez. */
  readonly idleMs: number;
}

const integrationChannel = 'orgstream_integration';
const commandChannel = 'orgstream_command_notification_bridge';
const gaugesMs = 5_000;
const erasingMs = 30_000;
const retentionMs = 3_600_000;

/** Wires leases, the workers of owned tenants, operators' commands, and what is done from time to time. */
export function createDelivery(options: DeliveryOptions): Delivery {
  const { db, log, metrics, settings } = options;
  const clock = options.clock ?? (() => performance.now());
  const workers = new Map<string, TenantWorker>();
  let everRead = false;
  const owner = new LeaseOwner({
    store: tenantLeases(db),
    what: 'tenant',
    replica: randomUUID(),
    leaseMs: settings.leaseMs,
    clock,
    log,
    work: async (lease, stop) => {
      const worker = new TenantWorker({ ...options, createChat: createZiikChat, lease, turns: new Turns() }, stop);
      workers.set(lease.key, worker);
      try {
        await worker.run();
      } finally {
        if (workers.get(lease.key) === worker) workers.delete(lease.key);
      }
    },
  });
  const commands = new Commands({ db, log, served: servedBy(workers), pollMs: settings.pollMs });
  const onNotify = (channel: string, payload: string): void => {
    if (channel === commandChannel) return commands.ring();
    const named = payload === '' ? null : new Set(payload.split(','));
    for (const worker of workers.values()) {
      if (channel === integrationChannel) worker.bell.ring();
      else if (named === null || named.has(worker.tenant)) worker.wake();
    }
    // A new channel may be a new tenant.
    if (channel === integrationChannel) void owner.turn().catch(() => {});
  };
  const every = periodically(log);
  return {
    get tenants() {
      return owner.keys;
    },
    get ready() {
      return everRead;
    },
    get idleMs() {
      return clock() - owner.lastTurnAt;
    },
    async run(signal) {
      await Promise.all([
        owner.run(signal),
        commands.run(signal),
        listen({
          url: options.databaseUrl,
          name: 'orgstream-bridge-listen',
          channels: [ledgerChannel, integrationChannel, commandChannel],
          onNotify,
          onTrouble: (error) => log.debug(errorFacts(error), 'not listening, polling'),
          signal,
        }),
        every(settings.pollMs * 5, signal, async () => count(metrics, await endHopeless(db))),
        every(erasingMs, signal, () => erasePayloads(db)),
        every(retentionMs, signal, async () => void (await dropOld(db, settings.retentionDays))),
        every(gaugesMs, signal, async () => {
          metrics.gauges(await readGauges(db));
          everRead = true;
        }),
      ]);
    },
  };
}

function servedBy(workers: ReadonlyMap<string, TenantWorker>): ServedChannels {
  return {
    get integrations() {
      return [...workers.values()].flatMap(({ integrations }) => integrations);
    },
    async session(integration) {
      for (const worker of workers.values()) {
        const channel = worker.channel(integration);
        if (channel) return channel.session();
      }
      return undefined;
    },
  };
}

function count(metrics: BridgeMetrics, swept: ReadonlyMap<string, number>): void {
  for (const [code, rows] of swept) {
    if (code === 'DELIVERY_UNKNOWN') metrics.failed(code, rows);
    else metrics.skipped(code, rows);
  }
}

function periodically(log: Logger) {
  return async (ms: number, signal: AbortSignal, work: () => Promise<void>): Promise<void> => {
    while (!signal.aborted) {
      try {
        await work();
      } catch (error) {
        log.warn(errorFacts(error), 'periodic look failed');
      }
      await sleep(ms, signal);
    }
  };
}
