/** One call as the simulator saw it, appended when it was answered (or lost). */
export interface LoggedCall {
  readonly seq: number;
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

/** Key of a log's rows that says whose call it was. */
type ScopeKey = 'platform' | 'siteId';
type Scope = string | number;
type Entry<K extends ScopeKey> = Omit<LoggedCall, 'seq'> & Readonly<Record<K, Scope>>;

/** The last calls in full, and counters of all of them. */
export class CallLog<K extends ScopeKey> {
  #calls: (LoggedCall & Entry<K>)[] = [];
  #lastSeq = 0;
  readonly #scopeKey: K;
  readonly #authRoutes: readonly string[];
  readonly #counters = new Map<Scope, Counters>();

  constructor(options: { scopeKey: K; authRoutes: readonly string[] }) {
    this.#scopeKey = options.scopeKey;
    this.#authRoutes = options.authRoutes;
  }

  add(call: Entry<K>): void {
    this.#calls.push({ seq: ++this.#lastSeq, ...call });
    if (this.#calls.length > 2 * kept) this.#calls = this.#calls.slice(-kept);
    const counters = this.#counters.get(call[this.#scopeKey]) ?? emptyCounters();
    this.#counters.set(call[this.#scopeKey], counters);
    count(counters, call, this.#authRoutes);
  }

  /** Calls after `since`, oldest first. Sequence numbers have no gaps, so this is an index, not a search. */
  list(options: { since: number; limit: number; scope: Scope | null }): readonly LoggedCall[] {
    const firstSeq = this.#calls[0]?.seq ?? 1;
    const from = this.#calls.slice(Math.max(0, options.since - firstSeq + 1));
    const own = options.scope === null ? from : from.filter((call) => call[this.#scopeKey] === options.scope);
    return own.slice(0, options.limit);
  }

  summary(scope: Scope | null): Counters & { lastSeq: number } {
    const sum = emptyCounters();
    for (const [of, counters] of this.#counters) if (scope === null || of === scope) addUp(sum, counters);
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

function count(counters: Counters, call: Omit<LoggedCall, 'seq'>, authRoutes: readonly string[]): void {
  const route = `${call.method} ${call.route}`;
  counters.total += 1;
  if (authRoutes.includes(call.route)) counters.auth += 1;
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
