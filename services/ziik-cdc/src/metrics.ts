import type { TableName } from '@orgstream/ziik-source';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** Metrics of ziik-cdc; sources are few and named by operators, tenants are no labels. */
export interface CdcMetrics {
  of(source: string): SourceMetrics;
}

/** One function per event of one source; all are cheap enough for every record. */
export interface SourceMetrics {
  recordPublished(table: TableName): void;
  committed(committedAtMs: number): void;
  acknowledged(bytes: number, inFlightBytes: number): void;
  recordRefused(): void;
  slotSeen(retainedBytes: number, safeWalBytes: number | null): void;
  stateChanged(state: 'running' | 'retrying' | 'halted'): void;
  reconnected(): void;
  chunkSent(rows: number): void;
  chunkRetried(): void;
  snapshotFinished(outcome: 'done' | 'failed'): void;
  removed(): void;
  /** Commit time of the newest transaction read; undefined before the first. */
  newestCommitMs(): number | undefined;
}

export function createMetrics(registry: Registry): CdcMetrics {
  const m = register(registry);
  return { of: (name) => sourceMetrics(m, name) };
}

function register(registry: Registry) {
  const registers = [registry];
  const gauge = (name: string, help: string, labelNames: readonly string[] = ['source']) =>
    new Gauge({ name, help, labelNames, registers });
  const counter = (name: string, help: string, labelNames: readonly string[] = ['source']) =>
    new Counter({ name, help, labelNames, registers });
  return {
    records: counter('orgstream_cdc_records_published_total', 'Records handed to Kafka.', ['source', 'table']),
    bytes: counter('orgstream_cdc_published_bytes_total', 'Bytes acknowledged by Kafka.'),
    refused: counter('orgstream_cdc_records_refused_total', 'Rows that cannot be a record.'),
    inFlight: gauge('orgstream_cdc_in_flight_bytes', 'Bytes not yet acknowledged by Kafka.'),
    commitTime: gauge(
      'orgstream_cdc_source_commit_timestamp_seconds',
      'Commit time of the newest transaction read, Unix seconds.',
    ),
    retained: gauge('orgstream_cdc_slot_retained_bytes', 'WAL that the slot keeps at the source.'),
    safeWal: gauge('orgstream_cdc_slot_safe_wal_bytes', 'WAL until the slot is lost; absent = unlimited.'),
    state: gauge('orgstream_cdc_source_state', '1 for the state the source is in.', ['source', 'state']),
    reconnects: counter('orgstream_cdc_reconnects_total', 'Streams started anew.'),
    snapshotRows: counter('orgstream_cdc_snapshot_rows_total', 'Snapshot rows sent.'),
    chunkRetries: counter('orgstream_cdc_snapshot_chunk_retries_total', 'Chunks read again.'),
    snapshots: counter('orgstream_cdc_snapshots_total', 'Snapshots of a tenant ended.', ['source', 'outcome']),
    latency: new Histogram({
      name: 'orgstream_cdc_commit_to_read_seconds',
      help: 'Commit at the source to its end read here, one in sixteen; clocks of both machines.',
      labelNames: ['source'],
      buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 300],
      registers,
    }),
  };
}

const states = ['running', 'retrying', 'halted'] as const;

function sourceMetrics(m: ReturnType<typeof register>, name: string): SourceMetrics {
  const label = { source: name };
  const published = new Map<TableName, number>();
  let commits = 0;
  let newestMs = 0;
  // prom-client hashes labels at every call: per record and per commit we only count, and hand over at each ack.
  const handOver = (): void => {
    for (const [table, count] of published) m.records.inc({ source: name, table }, count);
    published.clear();
    if (newestMs > 0) m.commitTime.set(label, newestMs / 1000);
  };
  return {
    recordPublished: (table) => void published.set(table, (published.get(table) ?? 0) + 1),
    committed(committedAtMs) {
      newestMs = committedAtMs;
      commits += 1;
      if ((commits & 15) === 1) m.latency.observe(label, Math.max(0, Date.now() - committedAtMs) / 1000);
    },
    acknowledged(bytes, inFlightBytes) {
      m.bytes.inc(label, bytes);
      m.inFlight.set(label, inFlightBytes);
      handOver();
    },
    recordRefused: () => m.refused.inc(label),
    slotSeen(retainedBytes, safeWalBytes) {
      m.retained.set(label, retainedBytes);
      if (safeWalBytes !== null) m.safeWal.set(label, safeWalBytes);
    },
    stateChanged(state) {
      for (const one of states) m.state.set({ source: name, state: one }, one === state ? 1 : 0);
    },
    newestCommitMs: () => (newestMs === 0 ? undefined : newestMs),
    reconnected: () => m.reconnects.inc(label),
    chunkSent: (rows) => m.snapshotRows.inc(label, rows),
    chunkRetried: () => m.chunkRetries.inc(label),
    snapshotFinished: (outcome) => m.snapshots.inc({ source: name, outcome }),
    removed() {
      for (const metric of [m.inFlight, m.commitTime, m.retained, m.safeWal]) metric.remove(label);
      for (const state of states) m.state.remove({ source: name, state });
    },
  };
}
