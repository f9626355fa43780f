/** Runs all parts until the signal aborts; when one ends, by itself or with an error, the others are stopped too. */
export async function runTogether(
  signal: AbortSignal,
  parts: readonly ((signal: AbortSignal) => Promise<void>)[],
): Promise<void> {
  const own = new AbortController();
  const both = AbortSignal.any([signal, own.signal]);
  const results = await Promise.allSettled(parts.map((part) => part(both).finally(() => own.abort())));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
