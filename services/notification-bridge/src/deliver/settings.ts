/** How delivery goes about it; see the settings of the same name in `config.ts`. */
export interface DeliverySettings {
  readonly callTimeoutMs: number;
  /** Of one channel; Infinity = as fast as Ziik lets us. */
  readonly callsPerMinute: number;
  readonly leaseMs: number;
  readonly receivers: number;
  readonly pollMs: number;
  readonly retryBaseMs: number;
  readonly retryCapMs: number;
  readonly retentionDays: number;
  /** A call may be carried out this long after its deadline, at most; default 2 s. */
  readonly graceMs?: number;
}
