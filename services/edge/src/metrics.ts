import type { ErrorCode } from '@orgstream/core';
import { Counter, Histogram, type Registry } from 'prom-client';

export interface EdgeMetrics {
  /** A login or a look at the shortcuts was answered; `code` only when it was refused. */
  loginFinished(login: {
    readonly kind: 'login' | 'shortcuts';
    readonly code: ErrorCode | undefined;
    readonly justInTime: boolean;
    readonly durationMs: number;
    /** Of it, in the hands of Learningbank. */
    readonly platformMs: number;
  }): void;
  /** A call to Learningbank ended. */
  callFinished(call: { readonly route: string; readonly status: number; readonly durationMs: number }): void;
}

const buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8];

/** Metrics of logins and shortcuts. */
export function createMetrics(registry: Registry): EdgeMetrics {
  const registers = [registry];
  const logins = new Counter({
    name: 'orgstream_edge_logins_total',
    help: 'Logins (kind login) and looks at the shortcuts; `code` is empty for those who were let in.',
    labelNames: ['kind', 'outcome', 'code'],
    registers,
  });
  const durations = new Histogram({
    name: 'orgstream_edge_login_seconds',
    help: 'Time from request to answer of logins; just_in_time: somebody had to be brought to Learningbank first.',
    labelNames: ['outcome', 'just_in_time'],
    buckets,
    registers,
  });
  const own = new Histogram({
    name: 'orgstream_edge_login_own_seconds',
    help: "Our own part of logins: without Learningbank's calls and without the wait for a just-in-time sync.",
    buckets,
    registers,
  });
  const calls = new Histogram({
    name: 'orgstream_edge_call_duration_seconds',
    help: 'Calls to Learningbank for logins; status class 0xx = no answer.',
    labelNames: ['route', 'status_class'],
    buckets,
    registers,
  });
  return {
    callFinished({ route, status, durationMs }) {
      calls.observe({ route, status_class: `${Math.floor(status / 100)}xx` }, durationMs / 1_000);
    },
    loginFinished({ kind, code, justInTime, durationMs, platformMs }) {
      const outcome = code === undefined ? 'admitted' : 'refused';
      logins.inc({ kind, outcome, code: code ?? '' });
      if (kind === 'shortcuts') return;
      durations.observe({ outcome, just_in_time: String(justInTime) }, durationMs / 1_000);
      if (!justInTime) own.observe(Math.max(0, durationMs - platformMs) / 1_000);
    },
  };
}
