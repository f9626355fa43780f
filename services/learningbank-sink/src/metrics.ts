import { brakedOperations } from '@orgstream/core';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Lane } from './model.ts';

/** What the reconciler reports; labels are closed sets. */
export interface SinkMetrics {
  readonly callFinished: (call: { readonly route: string; readonly status: number }) => void;
  readonly outcome: (outcome: string) => void;
  /** An object is in step; the age is that of the source's commit. */
  readonly inStep: (settled: { readonly lane: Lane; readonly ageMs: number }) => void;
  readonly breaker: (sessions: { readonly open: number; readonly halfOpen: number }) => void;
  readonly gauges: (read: WorkGauges) => void;
}

/** Read from the database from time to time. */
export interface WorkGauges {
  readonly oldestMs: Readonly<Record<Lane, number>>;
  readonly parked: ReadonlyMap<string, number>;
  /** Objects that wait for an operator's decision, by operation. */
  readonly held: ReadonlyMap<string, number>;
  /** Of those, people whose deactivation or deletion is held. */
  readonly heldLeavers: number;
  /** Brakes tripped, by operation. */
  readonly tripped: ReadonlyMap<string, number>;
  /** People who left while their integration was disabled, and whom nobody has synchronised yet. */
  readonly gapLeavers: number;
  /** Open runs, by what they wait for. */
  readonly runs: ReadonlyMap<RunWait, { readonly runs: number; readonly idleMs: number }>;
  /** Objects in step / objects linked or outstanding; 1 = all. What the last look for drift found is not in step. */
  readonly inSync: number;
  /** Unix ms of that look; of several integrations the oldest, 0 = one was never looked at. */
  readonly provedMs: number;
}

/** What an open run waits for: a proved snapshot, its plan, an operator, or that its work is done. */
export const runWaits = ['snapshot', 'planning', 'approval', 'applying', 'paused'] as const;
export type RunWait = (typeof runWaits)[number];

const buckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 7_200];

/** Metrics of the reconciler, registered once. */
export function createSinkMetrics(registry: Registry): SinkMetrics {
  const registers = [registry];
  const calls = new Counter({
    name: 'orgstream_sink_calls_total',
    help: 'HTTP calls to Learningbank, by route and status class; 0xx = no answer came.',
    labelNames: ['route', 'status_class'],
    registers,
  });
  const outcomes = new Counter({
    name: 'orgstream_sink_outcomes_total',
    help: 'What became of claimed objects (settle, retry, wait, parked, conflict, drop) and actions carried out.',
    labelNames: ['outcome'],
    registers,
  });
  const endToEnd = new Histogram({
    name: 'orgstream_sink_end_to_end_seconds',
    help: 'Source commit to acknowledged by Learningbank, of live changes and leavers.',
    labelNames: ['lane'],
    buckets,
    registers,
  });
  const breaker = new Gauge({
    name: 'orgstream_sink_breaker_state',
    help: 'Ways to platforms whose breaker is in this state.',
    labelNames: ['state'],
    registers,
  });
  const oldest = new Gauge({
    name: 'orgstream_sink_work_oldest_seconds',
    help: 'Age of the oldest ready or waiting work; 0 = none.',
    labelNames: ['lane'],
    registers,
  });
  const parked = new Gauge({
    name: 'orgstream_parked_objects',
    help: 'Objects that are parked or conflict, by code.',
    labelNames: ['code'],
    registers,
  });
  const held = new Gauge({
    name: 'orgstream_held_objects',
    help: 'Objects that wait for an operator: held by the brake, more destructive than approved, or a deletion to confirm.',
    labelNames: ['operation'],
    registers,
  });
  const heldLeavers = new Gauge({
    name: 'orgstream_held_leavers',
    help: 'People whose deactivation or deletion waits for an operator: they left, and still have access.',
    registers,
  });
  const tripped = new Gauge({
    name: 'orgstream_brake_tripped',
    help: 'Integrations and kinds whose brake is tripped, by operation.',
    labelNames: ['operation'],
    registers,
  });
  const gapLeavers = new Gauge({
    name: 'orgstream_gap_leavers',
    help: 'People who left while their integration was disabled, not yet deactivated: they still have access.',
    registers,
  });
  const runs = new Gauge({
    name: 'orgstream_runs',
    help: 'Open runs, by what they wait for: a proved snapshot, their plan, an approval, the work they apply; or paused.',
    labelNames: ['waits'],
    registers,
  });
  const runIdle = new Gauge({
    name: 'orgstream_run_idle_seconds',
    help: 'How long the open run that stands stillest has not moved, by what it waits for; 0 = none waits.',
    labelNames: ['waits'],
    registers,
  });
  const inSync = new Gauge({
    name: 'orgstream_in_sync_ratio',
    help: 'Objects in step / objects known: neither outstanding nor found to differ by the last look for drift.',
    registers,
  });
  const proved = new Gauge({
    name: 'orgstream_in_sync_proof_timestamp_seconds',
    help: 'When the target was last compared with what was applied; the oldest of all integrations, 0 = one never was.',
    registers,
  });
  return {
    callFinished: ({ route, status }) => calls.inc({ route, status_class: `${Math.floor(status / 100)}xx` }),
    outcome: (outcome) => outcomes.inc({ outcome }),
    inStep: ({ lane, ageMs }) => {
      if (lane === 'leaver' || lane === 'live') endToEnd.observe({ lane }, Math.max(0, ageMs) / 1_000);
    },
    breaker: ({ open, halfOpen }) => {
      breaker.set({ state: 'open' }, open);
      breaker.set({ state: 'half_open' }, halfOpen);
    },
    gauges: (read) => {
      for (const [lane, ms] of Object.entries(read.oldestMs)) oldest.set({ lane }, Math.max(0, ms) / 1_000);
      parked.reset();
      for (const [code, count] of read.parked) parked.set({ code }, count);
      held.reset();
      tripped.reset();
      for (const operation of brakedOperations) {
        held.set({ operation }, read.held.get(operation) ?? 0);
        tripped.set({ operation }, read.tripped.get(operation) ?? 0);
      }
      heldLeavers.set(read.heldLeavers);
      gapLeavers.set(read.gapLeavers);
      for (const waits of runWaits) {
        const { runs: open = 0, idleMs = 0 } = read.runs.get(waits) ?? {};
        runs.set({ waits }, open);
        runIdle.set({ waits }, Math.max(0, idleMs) / 1_000);
      }
      inSync.set(read.inSync);
      proved.set(read.provedMs / 1_000);
    },
  };
}
