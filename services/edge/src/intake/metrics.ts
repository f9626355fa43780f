import { Counter, Gauge, type Registry } from 'prom-client';

/** What became of a delivery: closed sets, never an integration. */
export type HookOutcome = 'accepted' | 'refused' | 'invalid' | 'too_large' | 'limited' | 'unavailable';

/** What the intake of notifications reports. */
export interface IntakeMetrics {
  readonly hooked: (outcome: HookOutcome) => void;
  readonly polled: (poll: { readonly notifications: number; readonly unreadable: number }) => void;
  /** A platform could not be polled, or its types not read. */
  readonly pollFailed: (code: string) => void;
  readonly outlet: (state: () => { readonly ready: boolean; readonly pendingBytes: number }) => void;
}

/** Metrics of the intake, registered once. */
export function createIntakeMetrics(registry: Registry): IntakeMetrics {
  const registers = [registry];
  const hooks = new Counter({
    name: 'orgstream_edge_hooks_total',
    help: 'Deliveries of notifications by outcome; unavailable: answered 503, Learningbank delivers again.',
    labelNames: ['outcome'],
    registers,
  });
  const polled = new Counter({
    name: 'orgstream_edge_poll_notifications_total',
    help: 'Notifications polled; unreadable ones are stepped over.',
    labelNames: ['outcome'],
    registers,
  });
  const failed = new Counter({
    name: 'orgstream_edge_poll_failures_total',
    help: 'Polls, and readings of notification types, that failed, by code.',
    labelNames: ['code'],
    registers,
  });
  return {
    hooked: (outcome) => hooks.inc({ outcome }),
    polled: ({ notifications, unreadable }) => {
      polled.inc({ outcome: 'taken' }, notifications);
      polled.inc({ outcome: 'unreadable' }, unreadable);
    },
    pollFailed: (code) => failed.inc({ code }),
    outlet: (state) => {
      void new Gauge({
        name: 'orgstream_edge_kafka_ready',
        help: '1 = Kafka takes notifications; 0 = hooks are answered 503.',
        registers,
        collect() {
          this.set(state().ready ? 1 : 0);
        },
      });
      void new Gauge({
        name: 'orgstream_edge_kafka_pending_bytes',
        help: 'Notifications handed to Kafka and not acknowledged.',
        registers,
        collect() {
          this.set(state().pendingBytes);
        },
      });
    },
  };
}
