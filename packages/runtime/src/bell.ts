/** A bell: `ring` ends the current or the next `wait`, so that no ring is lost between looking and waiting. */
export class Bell {
  #rung = false;
  #ringer: (() => void) | undefined;

  ring(): void {
    this.#rung = true;
    this.#ringer?.();
  }

  /** Resolves on the next ring (at once when it rang since the last wait), after `ms`, or when the signal aborts. */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    if (!this.#rung && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const end = (): void => {
          clearTimeout(timer);
          signal.removeEventListener('abort', end);
          resolve();
        };
        const timer = setTimeout(end, ms);
        signal.addEventListener('abort', end, { once: true });
        this.#ringer = end;
      });
      this.#ringer = undefined;
    }
    this.#rung = false;
  }
}
