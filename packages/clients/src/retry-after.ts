/** Longest wait we let a platform impose: a mistyped header must not stop a tenant for a year. */
const longestMs = 3_600_000;

/** Milliseconds that a `Retry-After` header asks for (seconds or an HTTP date); undefined when there is none to read. */
export function retryAfterMs(header: string | null, nowMs: number): number | undefined {
  const value = header?.trim() ?? '';
  if (/^\d+(\.\d+)?$/u.test(value)) return Math.min(longestMs, Math.ceil(Number(value) * 1_000));
  // Date.parse takes "-5" for a year; an HTTP date ends in GMT.
  const atMs = value.endsWith(' GMT') ? Date.parse(value) : Number.NaN;
  return Number.isNaN(atMs) ? undefined : Math.min(longestMs, Math.max(0, atMs - nowMs));
}
