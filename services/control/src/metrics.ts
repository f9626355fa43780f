import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

export interface Metrics {
  requestFinished(request: {
    readonly route: string;
    readonly method: string;
    readonly status: number;
    readonly durationMs: number;
  }): void;
  /** Event streams that are open now. */
  streams(open: number): void;
  audited(outcome: 'ok' | 'refused' | 'lost'): void;
  loginRefused(): void;
}

/** Metrics of control. */
export function createMetrics(registry: Registry): Metrics {
  const registers = [registry];
  const requests = new Counter({
    name: 'orgstream_control_requests_total',
    help: 'Requests of the admin API; `route` is the operation, `unknown` where there is none.',
    labelNames: ['route', 'method', 'status_class'],
    registers,
  });
  const durations = new Histogram({
    name: 'orgstream_control_request_duration_seconds',
    help: 'Time from request to answer; event streams are left out.',
    labelNames: ['route'],
    buckets: [0.005, 0.02, 0.1, 0.5, 1, 3, 5, 10],
    registers,
  });
  const open = new Gauge({ name: 'orgstream_control_streams', help: 'Event streams that are open.', registers });
  const audit = new Counter({
    name: 'orgstream_control_audit_total',
    help: 'Changes in the audit, by outcome; `lost` = the change was made and its outcome could not be written.',
    labelNames: ['outcome'],
    registers,
  });
  const refused = new Counter({
    name: 'orgstream_control_logins_refused_total',
    help: 'Requests without a token that is known, in force and not blocked.',
    registers,
  });
  return {
    requestFinished({ route, method, status, durationMs }) {
      requests.inc({ route, method, status_class: `${Math.floor(status / 100)}xx` });
      if (route !== 'stream') durations.observe({ route }, durationMs / 1_000);
    },
    streams: (count) => open.set(count),
    audited: (outcome) => audit.inc({ outcome }),
    loginRefused: () => refused.inc(),
  };
}
