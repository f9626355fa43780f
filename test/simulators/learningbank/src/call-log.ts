/** One call as the simulator saw it, appended when it was answered (or lost). */
export interface LoggedCall {
  readonly seq: number;
  readonly platform: number;
  readonly method: string;
  /** Pattern without the prefix: `/users/:id`. */
  readonly route: string;
  readonly path: string;
  /** 0: no answer was given. */
  readonly status: number;
  /** The id in the path, else that of the object created. */
  readonly objectId: number | null;
  /** Arrival, real time (not the simulator's clock). */
  readonly atMs: number;
  readonly durationMs: number;
  readonly body?: unknown;
  /** The fault that struck. */
  readonly fault?: string;
}

interface Counters {
  total: number;
  reads: number;
  /** Calls that change objects; token calls are neither read nor write. */
  writes: number;
  auth: number;
  byRoute: Record<string, number>;
  byStatus: Record<string, number>;
  byRouteStatus: Record<string, number>;
}

const kept = 300_000;

/** The last calls in full, and counters of all of them. */
export class CallLog {
  #calls: LoggedCall[] = [];
  #lastSeq = 0;
  readonly #counters = new Map<number, Counters>();

  add(call: Omit<LoggedCall, 'seq'>): void {
    this.#calls.push({ seq: ++this.#lastSeq, ...call });
    if (this.#calls.length > 2 * kept) this.#calls = this.#calls.slice(-kept);
    const counters = this.#counters.get(call.platform) ?? emptyCounters();
    this.#counters.set(call.platform, counters);
    count(counters, call);
  }

  /** Calls after `since`, oldest first. Sequence numbers have no gaps, so this is an index, not a search. */
  list(options: { since: number; limit: number; platform: number | null }): readonly LoggedCall[] {
    const firstSeq = this.#calls[0]?.seq ?? 1;
    const from = this.#calls.slice(Math.max(0, options.since - firstSeq + 1));
    const own = options.platform === null ? from : from.filter((call) => call.platform === options.platform);
    return own.slice(0, options.limit);
  }

  summary(platform: number | null): Counters & { lastSeq: number } {
    const sum = emptyCounters();
    for (const [id, counters] of this.#counters) if (platform === null || id === platform) addUp(sum, counters);
    return { ...sum, lastSeq: this.#lastSeq };
  }

  reset(): void {
    this.#calls = [];
    this.#lastSeq = 0;
    this.#counters.clear();
  }
}

function emptyCounters(): Counters {
  return { total: 0, reads: 0, writes: 0, auth: 0, byRoute: {}, byStatus: {}, byRouteStatus: {} };
}

function count(counters: Counters, call: Omit<LoggedCall, 'seq'>): void {
  const route = `${call.method} ${call.route}`;
  counters.total += 1;
  if (call.route === '/auth/token') counters.auth += 1;
  else if (call.method === 'GET') counters.reads += 1;
  else counters.writes += 1;
  increase(counters.byRoute, route, 1);
  increase(counters.byStatus, `${call.status}`, 1);
  increase(counters.byRouteStatus, `${route} ${call.status}`, 1);
}

function addUp(sum: Counters, counters: Counters): void {
  for (const key of ['total', 'reads', 'writes', 'auth'] as const) sum[key] += counters[key];
  for (const key of ['byRoute', 'byStatus', 'byRouteStatus'] as const) {
    for (const [name, by] of Object.entries(counters[key])) increase(sum[key], name, by);
  }
}

function increase(counts: Record<string, number>, key: string, by: number): void {
  counts[key] = (counts[key] ?? 0) + by;
}
