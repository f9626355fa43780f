/**
 * Aborts when the process is told to stop: Ctrl-C, SIGTERM, or the end of the process that started it (the bootstrap
 * holds an IPC channel open for this). A second Ctrl-C ends at once.
 */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  let interruptedAtMs: number | undefined;
  process.on('SIGINT', () => {
    const now = performance.now();
    // npm, the shell and the terminal may each pass on the same Ctrl-C.
    if (interruptedAtMs !== undefined && now - interruptedAtMs > 500) process.exit(130);
    interruptedAtMs ??= now;
    controller.abort();
  });
  process.on('SIGTERM', () => controller.abort());
  process.once('disconnect', () => controller.abort());
  process.channel?.unref();
  return controller.signal;
}

/** Resolves when the signal aborts. Keeps nothing alive by itself: what runs meanwhile does. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
