/** One at a time for each key, in the order of asking. */
export class Turns {
  readonly #last = new Map<number, Promise<void>>();

  /** Resolves when it is the caller's turn; it lasts until it is disposed of. */
  async take(key: number): Promise<Disposable> {
    const before = this.#last.get(key);
    const over = Promise.withResolvers<void>();
    this.#last.set(key, over.promise);
    await before;
    return {
      [Symbol.dispose]: () => {
        if (this.#last.get(key) === over.promise) this.#last.delete(key);
        over.resolve();
      },
    };
  }
}
