import { kinds } from '@orgstream/core';
import { Counter, Histogram, type Registry } from 'prom-client';
import type { IngestResult, SnapshotEnd } from './ingest.ts';

/** Metrics of ingest, one function per event. */
export interface IngestMetrics {
  ingested(result: IngestResult, batch: { readonly records: number; readonly seconds: number }): void;
  setAside(code: string): void;
  expired(people: number): void;
}

/** Registers the metrics of ingest. */
export function createIngestMetrics(registry: Registry): IngestMetrics {
  const registers = [registry];
  const counter = (name: string, help: string, labelNames: readonly string[] = []) =>
    new Counter({ name, help, labelNames, registers });
  const facts = counter('orgstream_sink_facts_total', 'Facts taken in.', ['kind']);
  const changed = counter('orgstream_sink_facts_changed_total', 'Fact rows that really changed.');
  const marked = counter('orgstream_sink_objects_marked_total', 'Objects marked as work.');
  const rejected = counter(
    'orgstream_sink_facts_rejected_total',
    'Facts rejected: unmappable, unreadable, not storable.',
  );
  const unreadable = counter('orgstream_sink_unreadable_total', 'Records set aside to orgstream.unreadable.', ['code']);
  const snapshots = counter('orgstream_sink_snapshots_total', 'Snapshots that ended, by verdict.', ['state']);
  const expired = counter('orgstream_sink_expired_total', 'People whose end date passed.');
  const seconds = new Histogram({
    name: 'orgstream_sink_ingest_seconds',
    help: 'One batch: decoding and its transaction.',
    buckets: [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5],
    registers,
  });
  return {
    ingested(result, batch) {
      for (const kind of kinds) facts.inc({ kind }, result.facts[kind] ?? 0);
      changed.inc(result.changed);
      rejected.inc(result.rejected);
      marked.inc(result.marked);
      for (const { state } of result.snapshots satisfies readonly SnapshotEnd[]) snapshots.inc({ state });
      seconds.observe(batch.seconds);
    },
    setAside: (code) => unreadable.inc({ code }),
    expired: (people) => expired.inc(people),
  };
}
