import { Counter, Gauge, type Registry } from 'prom-client';

export interface Metrics {
  normalized(batch: { readonly facts: number; readonly rejected: number; readonly unreadable: number }): void;
  progressed(lag: { readonly records: number; readonly oldestPendingMs: number | undefined }): void;
}

/** Metrics of the normalizer. */
export function createMetrics(registry: Registry): Metrics {
  const facts = new Counter({
    name: 'orgstream_normalizer_facts_total',
    help: 'Facts written to directory.changes, by outcome.',
    labelNames: ['outcome'],
    registers: [registry],
  });
  const lag = new Gauge({
    name: 'orgstream_normalizer_lag_records',
    help: 'Records of ziik.changes not yet normalized.',
    registers: [registry],
  });
  const oldest = new Gauge({
    name: 'orgstream_normalizer_oldest_pending_timestamp_seconds',
    help: 'Kafka timestamp of the oldest record read and not finished; 0 = none.',
    registers: [registry],
  });
  return {
    normalized(batch) {
      facts.inc({ outcome: 'mapped' }, batch.facts - batch.rejected);
      facts.inc({ outcome: 'rejected' }, batch.rejected);
      facts.inc({ outcome: 'unreadable' }, batch.unreadable);
    },
    progressed({ records, oldestPendingMs }) {
      lag.set(records);
      oldest.set((oldestPendingMs ?? 0) / 1_000);
    },
  };
}
