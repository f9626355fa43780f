import { Counter, Gauge, type Registry } from 'prom-client';

/** What the ledger holds, read from the database from time to time. */
export interface LedgerGauges {
  /** Notifications that wait for their turn, or whose sending is under way or unclear. */
  readonly queued: number;
  /** Of those, held by quiet mode. */
  readonly held: number;
  /** Age of the oldest that waits and is not held; 0 = none. */
  readonly oldestQueuedMs: number;
  /** Channels that have stopped, by code. */
  readonly stopped: ReadonlyMap<string, number>;
}

/** What the bridge reports; labels are closed sets, never ids of people. */
export interface BridgeMetrics {
  /** A batch of the topic is in the ledger. `known`: replayed or delivered twice; `foreign`: of no integration of ours. */
  readonly ingested: (batch: {
    readonly queued: number;
    readonly ended: number;
    readonly known: number;
    readonly foreign: number;
    readonly unreadable: number;
  }) => void;
  readonly sent: (messages?: number) => void;
  readonly skipped: (code: string, notifications?: number) => void;
  readonly failed: (code: string, notifications?: number) => void;
  readonly callFinished: (call: { readonly route: string; readonly status: number }) => void;
  readonly gauges: (read: LedgerGauges) => void;
}

/** Metrics of the notification bridge, registered once. */
export function createMetrics(registry: Registry): BridgeMetrics {
  return { ...intakeMetrics(registry), ...deliveryMetrics(registry) };
}

function intakeMetrics(registry: Registry): Pick<BridgeMetrics, 'ingested'> {
  const registers = [registry];
  const ingested = new Counter({
    name: 'orgstream_bridge_ingested_total',
    help: 'Records of learningbank.notifications by what became of them: queued, ended at once, known already, foreign, unreadable.',
    labelNames: ['outcome'],
    registers,
  });
  return {
    ingested: (batch) => {
      for (const [outcome, records] of Object.entries(batch)) ingested.inc({ outcome }, records);
    },
  };
}

function deliveryMetrics(registry: Registry): Omit<BridgeMetrics, 'ingested'> {
  const registers = [registry];
  const counter = (name: string, help: string, labelNames: readonly string[] = []) =>
    new Counter({ name: `orgstream_bridge_${name}_total`, help, labelNames: [...labelNames], registers });
  const gauge = (name: string, help: string, labelNames: readonly string[] = []) =>
    new Gauge({ name: `orgstream_bridge_${name}`, help, labelNames: [...labelNames], registers });
  const sent = counter('sent', 'Chat messages sent.');
  const skipped = counter('skipped', 'Notifications that ended without a message, by code.', ['code']);
  const failed = counter('failed', 'Notifications given up, by code.', ['code']);
  const calls = counter('calls', 'HTTP calls to Ziik, by route and status class; 0xx = no answer came.', [
    'route',
    'status_class',
  ]);
  const queued = gauge('queued', 'Notifications that have not ended.');
  const held = gauge('held', 'Notifications held by quiet mode.');
  const oldest = gauge('oldest_queued_seconds', 'Age of the oldest notification that waits and is not held; 0 = none.');
  const stopped = gauge('channel_stopped', 'Channels that have stopped, by code.', ['code']);
  return {
    sent: (messages = 1) => sent.inc(messages),
    skipped: (code, notifications = 1) => skipped.inc({ code }, notifications),
    failed: (code, notifications = 1) => failed.inc({ code }, notifications),
    callFinished: ({ route, status }) => calls.inc({ route, status_class: `${Math.floor(status / 100)}xx` }),
    gauges: (read) => {
      queued.set(read.queued);
      held.set(read.held);
      oldest.set(Math.max(0, read.oldestQueuedMs) / 1_000);
      stopped.reset();
      for (const [code, channels] of read.stopped) stopped.set({ code }, channels);
    },
  };
}
