import { Counter, type Registry } from 'prom-client';

export interface Metrics {
  normalized(batch: { readonly facts: number; readonly rejected: number; readonly unreadable: number }): void;
}

/** Metrics of the normalizer. */
export function createMetrics(registry: Registry): Metrics {
  const facts = new Counter({
    name: 'orgstream_normalizer_facts_total',
    help: 'Facts written to directory.changes, by outcome.',
    labelNames: ['outcome'],
    registers: [registry],
  });
  return {
    normalized(batch) {
      facts.inc({ outcome: 'mapped' }, batch.facts - batch.rejected);
      facts.inc({ outcome: 'rejected' }, batch.rejected);
      facts.inc({ outcome: 'unreadable' }, batch.unreadable);
    },
  };
}
