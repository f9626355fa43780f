/** A gate that generators pass before each change: open, or shut until it is opened. */
export class PauseGate {
  #opened: PromiseWithResolvers<void> | undefined;

  get paused(): boolean {
    return this.#opened !== undefined;
  }

  set(paused: boolean): void {
    if (paused) this.#opened ??= Promise.withResolvers<void>();
    else {
      this.#opened?.resolve();
      this.#opened = undefined;
    }
  }

  /** Resolves at once while open, else when it is opened. */
  async pass(): Promise<void> {
    while (this.#opened) await this.#opened.promise;
  }
}
