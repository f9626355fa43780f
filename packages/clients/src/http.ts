/** What all clients of vendors share: how calls are made and told about. */

export interface CallOptions {
  /** Ends the call; a write that was on its way is then ambiguous. */
  readonly signal?: AbortSignal;
}

export interface ListOptions extends CallOptions {
  /** Records in one page (= one call). Default: the most that the vendor gives. */
  readonly pageSize?: number;
  /** Page to begin with, default 1: a broken listing goes on where it stopped. */
  readonly fromPage?: number;
}

/** One page of a list. `total` counts the whole list. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly page: number;
  readonly totalPages: number;
  readonly total: number;
}

/** A call about to be made, or made. `route` is a closed set (`users.update`, `auth.token` …): fit for a label. */
export interface CallInfo {
  readonly route: string;
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  readonly write: boolean;
}

/** A finished call, for metrics and the attempt log. */
export interface CallResult extends CallInfo {
  /** HTTP status; 0 when no answer came. */
  readonly status: number;
  readonly durationMs: number;
  /** Absent when the call succeeded. */
  readonly code?: string;
}

/** How calls are made, whoever is called. */
export interface HttpOptions {
  /** Deadline of one HTTP call, body included. */
  readonly timeoutMs: number;
  /** Default: the global fetch, which keeps connections alive. */
  readonly fetch?: typeof globalThis.fetch;
  /** Milliseconds, for the token's expiry and `Retry-After` dates. Default Date.now. */
  readonly now?: () => number;
  /**
   * Awaited directly before every HTTP call (the token's and each page's included): the place for the rate and for the
   * last look at the lease. A throw stops the call and reaches the caller as it is.
   */
  readonly beforeCall?: (call: CallInfo, signal: AbortSignal | undefined) => void | Promise<void>;
  /**
   * Looked at once more when the connection is there, in the turn in which the call is written. A throw stops the call,
   * nothing is sent, and reaches the caller as it is. Node's own fetch only.
   */
  readonly beforeSend?: (call: CallInfo) => void;
  /** Called after every HTTP call. */
  readonly onCall?: (call: CallResult) => void;
}
